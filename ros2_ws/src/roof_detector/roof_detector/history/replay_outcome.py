# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a model changes over all inspections, with the gate, as a page and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from roof_detector.history.history_page import HistoryPage, PagePart, write_page
from roof_detector.history.replay_gate import GateCheck, ReplayLimits, gate_checks
from roof_detector.history.replayed_findings import ReplayedKind, counted_replay

if TYPE_CHECKING:
    from pathlib import Path

    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.history.replayed_findings import ReplayedFinding
    from roof_detector.results.report.report_model import EncodedImage

PAGE = 'replay'
_SHOWN = (
    ReplayedKind.CONTRADICTED,
    ReplayedKind.LOST,
    ReplayedKind.RENAMED,
    ReplayedKind.GAINED,
    ReplayedKind.STILL_RAISED,
)
_MOST_ROWS = 200


@dataclass(frozen=True, kw_only=True)
class ReplayedInspection:
    """What changes in one inspection; `images` are crops by the place in `findings`."""

    name: str
    flights: tuple[str, ...]
    frames: int
    old_model: str
    findings: tuple[ReplayedFinding, ...]
    images: dict[int, EncodedImage] = field(default_factory=dict)


@dataclass(kw_only=True)
class ReplayOutcome:
    """All inspections, the limits, and what was lost on the way, each in a sentence."""

    model: str
    model_sha256: str
    limits: ReplayLimits
    inspections: list[ReplayedInspection] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def findings(self) -> list[ReplayedFinding]:
        """Return what becomes of all findings."""
        return [found for one in self.inspections for found in one.findings]

    def checks(self) -> list[GateCheck]:
        """Return the numbers of the gate."""
        return gate_checks(self.findings, self.limits)

    @property
    def passed(self) -> bool:
        """Return whether the model may fly."""
        return all(one.passed for one in self.checks())

    def verdict(self) -> str:
        """Return the verdict in a sentence."""
        failed = [one.name for one in self.checks() if not one.passed]
        if not failed:
            return 'The gate is passed.'
        return f'The gate is NOT passed: {", ".join(failed)}.'

    def lines(self) -> list[str]:
        """Return the lines to print for the user."""
        frames = sum(one.frames for one in self.inspections)
        counts = counted_replay(self.findings)
        listed = ', '.join(f'{count} {name}' for name, count in counts.items() if count)
        return [
            f'{self.model} over {frames} frames (inspections: {len(self.inspections)}): '
            f'{listed or "no findings"}.',
            *(check.line() for check in self.checks()),
            self.verdict(),
            *self.notes,
            *self.lost,
        ]

    def write(self, folder: Path) -> list[Path]:
        """Write replay.html and replay.json; raise ExportError."""
        return write_page(folder, PAGE, self._page(), self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            'model': self.model,
            'model_sha256': self.model_sha256,
            'passed': self.passed,
            'checks': [{**asdict(one), 'share': one.share} for one in self.checks()],
            'limits': asdict(self.limits),
            'counts': counted_replay(self.findings),
            'inspections': [
                {
                    'name': one.name,
                    'flights': list(one.flights),
                    'frames': one.frames,
                    'old_model': one.old_model,
                    'counts': counted_replay(one.findings),
                    'findings': [_finding(found) for found in one.findings],
                }
                for one in self.inspections
            ],
            'lost': self.lost,
            'notes': self.notes,
        }

    def _page(self) -> HistoryPage:
        gate = PagePart(
            heading='The gate',
            columns=('number', 'count', 'of', 'share', 'limit', ''),
            numbers=(1, 2, 3, 4),
            rows=tuple(_gate_row(one) for one in self.checks()),
        )
        kinds = [kind.value for kind in ReplayedKind]
        table = PagePart(
            heading='Inspections',
            columns=('inspection', 'flights', 'frames', 'model before', *kinds),
            numbers=(1, 2, *range(4, 4 + len(kinds))),
            rows=tuple(
                (
                    *(one.name, str(len(one.flights)), str(one.frames), one.old_model),
                    *(str(counted_replay(one.findings)[kind]) for kind in kinds),
                )
                for one in self.inspections
            ),
        )
        parts = [gate, table, *(self._part(kind) for kind in _SHOWN)]
        if self.lost or self.notes:
            parts.append(PagePart(heading='Left out', lines=(*self.lost, *self.notes)))
        frames = sum(one.frames for one in self.inspections)
        return HistoryPage(
            title=f'What {self.model} would change',
            verdict=self.verdict(),
            is_good=self.passed,
            facts=(
                f'Recorded frames: {frames}, inspections: {len(self.inspections)}. Model '
                f'{self.model_sha256[:12]}.',
            ),
            parts=tuple(part for part in parts if part.rows or part.lines),
        )

    def _part(self, kind: ReplayedKind) -> PagePart:
        rows = [
            (
                one.images.get(k, ''),
                one.name,
                *(_number(found.old), _number(found.new), found.class_name, found.reason),
            )
            for one in self.inspections
            for k, found in enumerate(one.findings)
            if found.kind is kind
        ]
        left = len(rows) - _MOST_ROWS
        more = (f'{left} more are in {PAGE}.json.',) if left > 0 else ()
        return PagePart(
            heading=f'{kind.value.capitalize()} ({len(rows)})' if rows else kind.value,
            lines=more,
            columns=('', 'inspection', 'before', 'now', 'class', 'why'),
            numbers=(2, 3),
            rows=tuple(rows[:_MOST_ROWS]),
        )


def _gate_row(one: GateCheck) -> tuple[str, ...]:
    share = '-' if one.share is None else f'{100 * one.share:.1f} %'
    verdict = 'ok' if one.passed else 'not passed'
    if one.name == 'findings':
        return one.name, str(one.count), '', '', f'at least {one.limit:g}', verdict
    limit = f'{100 * one.limit:g} %'
    return one.name, str(one.count), str(one.of), share, limit, verdict


def _number(finding: RoofFinding | None) -> str:
    return '-' if finding is None else str(finding.number)


def _finding(one: ReplayedFinding) -> dict[str, Any]:
    return {
        'kind': one.kind.value,
        'class': one.class_name,
        'by_person': one.by_person,
        'reason': one.reason,
        'old': _end(one.old),
        'new': _end(one.new),
    }


def _end(finding: RoofFinding | None) -> dict[str, Any] | None:
    if finding is None:
        return None
    place = finding.place
    return {
        'number': finding.number,
        'uuid': str(finding.uuid),
        'class': finding.class_name,
        'state': finding.state.value,
        'existence': round(finding.existence, 4),
        'sightings': finding.sightings,
        'latitude_deg': None if place is None else place.latitude_deg,
        'longitude_deg': None if place is None else place.longitude_deg,
    }
