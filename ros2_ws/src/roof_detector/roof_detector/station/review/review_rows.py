# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Findings, sightings and decisions as the page gets them, with names short for slow links."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from roof_detector.findings.decisions import DecisionKind

if TYPE_CHECKING:
    from roof_detector.findings.decisions import Decision
    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.findings.severity import Grade


def finding_row(
    finding: RoofFinding,
    *,
    grade: Grade | None,
    language: str,
    is_disputed: bool,
    decided_by: str,
) -> dict[str, Any]:
    """Return what the page shows of a finding."""
    place, size = finding.place, finding.size
    row: dict[str, Any] = {
        'n': finding.number,
        'uuid': str(finding.uuid),
        'ids': [str(one) for one in finding.aliases],
        'class': finding.class_name,
        'state': finding.state.value,
        'decided': finding.decided,
        'by': decided_by,
        'disputed': is_disputed,
        'p': _finite(finding.existence, 3),
        'sightings': finding.sightings,
        'last_ms': finding.last_seen_ns // 1_000_000,
        'note': finding.note,
        'severity': finding.severity or (grade.severity.value if grade else ''),
        'graded': bool(finding.severity),
        'why': '' if finding.severity or grade is None else grade.sentence(language),
        'outside': finding.is_outside,
        'shown': f'{finding.best.frame.index}.{finding.best.detection}',
    }
    if place is not None:
        row['at'] = [_finite(place.latitude_deg, 8), _finite(place.longitude_deg, 8)]
        row['radius'] = _finite(place.radius95_m, 2)
    if size is not None:
        row['size'] = [
            _finite(size.length_m, 2),
            _finite(size.width_m, 2),
            _finite(size.area_m2, 2),
        ]
    return row


def decision_row(decision: Decision) -> dict[str, Any]:
    """Return what the page shows of a decision."""
    value: str | int = decision.value
    if decision.kind is DecisionKind.UNDO:
        value = int(decision.value)
    return {
        'id': decision.serial,
        'kind': decision.kind.value,
        'uuid': str(decision.uuid),
        'who': decision.who,
        'at': decision.made_at,
        'value': value,
    }


def _finite(value: float, decimals: int) -> float | None:
    return round(value, decimals) if math.isfinite(value) else None
