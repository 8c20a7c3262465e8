# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The summary of a flight as a table for people and as JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roof_detector.demo.finding_summary import FindingSummary
    from roof_detector.demo.flight_summary import FlightSummary


def as_json(
    summary: FlightSummary, findings: FindingSummary | None, *, files: dict[str, str]
) -> dict[str, Any]:
    """Return the summary as plain values; ages in seconds, ratios from 0 to 1."""
    score = summary.score
    result: dict[str, Any] = {
        'frames': {
            'published': summary.published,
            'detected': summary.detected,
            'dropped': summary.dropped,
            'unaccounted': summary.unaccounted,
        },
        'detections': summary.detections,
        'findings': None if findings is None else findings.as_json(),
        'age_s': {'p50': round(summary.age_s[0], 4), 'p95': round(summary.age_s[1], 4)},
        'files': files,
    }
    if score is not None:
        result['against_ground_truth'] = {
            'min_iou': 0.5,
            'precision': _rounded(score.precision),
            'recall': _rounded(score.recall),
            'per_class': {
                name: {
                    'present': present,
                    'precision': _rounded(score.of_class(name).precision),
                    'recall': _rounded(score.of_class(name).recall),
                }
                for name, present in sorted(summary.true_counts.items())
            },
        }
    return result


def as_table(
    summary: FlightSummary, findings: FindingSummary | None, *, files: dict[str, str]
) -> str:
    """Return the summary as lines of text in two columns."""
    dropped = sum(summary.dropped.values())
    causes = ', '.join(f'{cause} {count}' for cause, count in sorted(summary.dropped.items()))
    rows = [
        ('frames published', str(summary.published)),
        ('frames detected', str(summary.detected)),
        ('frames dropped', f'{dropped}  ({causes})' if causes else '0'),
    ]
    if summary.unaccounted:
        rows.append(('frames UNACCOUNTED for', str(summary.unaccounted)))
    rows.append(('age of results', '{:.0f} ms p50, {:.0f} ms p95'.format(
        *(age_s * 1e3 for age_s in summary.age_s)
    )))  # fmt: skip
    score = summary.score
    rows.append(('detections', str(sum(summary.detections.values()))))
    for name in sorted(summary.detections.keys() | summary.true_counts.keys()):
        line = f'{summary.detections.get(name, 0):>5}'
        if score is not None:
            one = score.of_class(name)
            line += (
                f'  of {summary.true_counts.get(name, 0):>5} present, '
                f'precision {_percent(one.precision)}, recall {_percent(one.recall)}'
            )
        rows.append((f'  {name}', line))
    if score is not None:
        rows.append(('precision at IoU 0.5', _percent(score.precision)))
        rows.append(('recall at IoU 0.5', _percent(score.recall)))
    rows += [] if findings is None else findings.rows()
    rows += files.items()
    width = max(len(label) for label, _ in rows)
    return '\n'.join(f'  {label:<{width}}  {value}' for label, value in rows)


def _percent(ratio: float | None) -> str:
    return '   -' if ratio is None else f'{ratio * 100:3.0f} %'


def _rounded(ratio: float | None) -> float | None:
    return None if ratio is None else round(ratio, 4)
