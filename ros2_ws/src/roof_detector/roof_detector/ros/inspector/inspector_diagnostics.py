# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the inspector tells about its own health."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from roof_detector.supervision.health import Delivery, Health, Level, health

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from roof_detector.findings.live_inspection import LiveUpdate
    from roof_detector.ros.inspector.inspection_worker import WorkerStats

_LONGEST = 300  # characters of a sentence in the message; the whole is among the values


@dataclass(frozen=True, kw_only=True)
class InspectorReport:
    """What the status is made of.

    `detections` and `telemetry` are what was asked for and how long it has not come; `missing`
    says what telemetry there is none of, by camera; `warnings` what else is wrong.
    """

    state: str
    has_labels: bool = False
    detections: Sequence[Delivery] = ()
    telemetry: Sequence[Delivery] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    stats: WorkerStats | None = None
    waiting: int = 0
    update: LiveUpdate | None = None
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    received: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    file: str = ''
    file_failure: str = ''
    file_dropped: int = 0


def inspector_status(name: str, report: InspectorReport) -> DiagnosticStatus:
    """Return the inspector's status: level and message for people, values for plots."""
    verdict = _verdict(report)
    return DiagnosticStatus(
        level=bytes([verdict.level]),
        name=name,
        message=verdict.message,
        values=[KeyValue(key=key, value=str(value)) for key, value in _values(report).items()],
    )


def _values(report: InspectorReport) -> dict[str, object]:
    values: dict[str, object] = {'state': report.state}
    update, stats = report.update, report.stats
    if update is not None:
        values |= {
            'findings': len(update.findings),
            'tentative': update.tentative,
            'outside_area': update.outside,
        }
    if stats is not None:
        values |= {
            'rate_hz': f'{stats.done.rate_hz:.2f}',
            'frames_inspected': stats.done.count,
            'frames_placed': stats.placed,
            'frames_only_tracked': stats.tracked,
            'frames_waiting': report.waiting,
            'frames_without_a_place': sum(stats.unplaced.totals.values()),
            'inspections_begun_again': sum(stats.begun_again.totals.values()),
            'frames_dropped': sum(stats.dropped.totals.values()),
            'update_ms': f'{stats.update_s * 1e3:.1f}',
        }
        for stage, seconds in (('frame', stats.took_s), ('telemetry_wait', stats.waited_s)):
            if taken := list(seconds):
                for percent, value_s in zip(
                    (50, 95, 99), np.percentile(taken, (50, 95, 99)), strict=True
                ):
                    values[f'{stage}_ms.p{percent}'] = f'{value_s * 1e3:.2f}'
        values |= {
            f'without_a_place.{cause}': count
            for cause, count in sorted(stats.unplaced.totals.items())
        }
        values |= {f'dropped.{cause}': n for cause, n in sorted(stats.dropped.totals.items())}
    values |= {f'source.{role}': source for role, source in report.sources.items()}
    values |= {f'received.{topic}': n for topic, n in sorted(report.received.items())}
    for topic, causes in sorted(report.left_out.items()):
        values |= {f'left_out.{topic}.{cause}': n for cause, n in sorted(causes.items())}
    values |= {f'missing.{camera or "camera"}': text for camera, text in report.missing.items()}
    values |= {f'note.{number}': note for number, note in enumerate(report.notes, start=1)}
    if report.file or report.file_failure:
        values |= {'file': report.file, 'file_updates_dropped': report.file_dropped}
    return values


def _verdict(report: InspectorReport) -> Health:
    if report.state != 'active':
        return Health(Level.WARN, f'The inspector is {report.state}.')
    stats, update = report.stats, report.update
    found = 0 if update is None else len(update.findings)
    working = f'{found} findings, {0.0 if stats is None else stats.done.rate_hz:.1f} frames/s.'
    faults = [Health(Level.WARN, _short(text)) for text in report.warnings]
    if report.file_failure:
        faults.insert(0, Health(Level.ERROR, f'Not written: {report.file_failure}'))
    if not report.has_labels:
        faults.append(Health(Level.WARN, 'The names of the classes have not come yet.'))
    faults += [
        Health(Level.WARN, f'Findings have no place: {_short(text)}')
        for text in report.missing.values()
    ]
    if stats is not None:
        dropped = stats.dropped.recent()
        if dropped:
            causes = ', '.join(f'{count} {cause}' for cause, count in sorted(dropped.items()))
            faults.append(Health(Level.WARN, f'Frames dropped: {causes}.'))
        faults += [
            Health(Level.WARN, f'Another inspection has begun: {cause}')
            for cause in stats.begun_again.recent()
        ]
        unplaced = stats.unplaced.recent()
        if unplaced and not report.missing:
            cause, count = max(unplaced.items(), key=lambda item: item[1])
            faults.append(Health(Level.WARN, f'{count} frames have no place: {_short(cause)}'))
    return health(
        working=working,
        faults=faults,
        missing=[*report.detections, *report.telemetry],
        has_arrived=stats is not None and stats.done.count > 0,
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f'{text[:_LONGEST]}...'
