# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A condition index of 0 to 100 for a roof or a part of it.

In the way of ERDC's ROOFER (distress type by severity by density gives deducts, which are combined
so that many of them do not add up beyond the worst): Shahin, Bailey and Brotherson, Membrane and
Flashing Condition Indexes for Built-Up Roofs, USACERL TR M-87/13. It is not that standard: types,
deducts and their combination are our own, and what a drone sees from above is not what an
inspector on the roof sees.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.findings.severity import Grade, Severity, SeverityRules

_PER_M2 = 100.0  # densities are on 100 m^2
# ROOFER's seven ranges of the index.
RANGES = (
    (86, 'excellent'),
    (71, 'very_good'),
    (56, 'good'),
    (41, 'fair'),
    (26, 'poor'),
    (11, 'very_poor'),
    (0, 'failed'),
)


@dataclass(frozen=True, kw_only=True)
class DistressDeduct:
    """What the findings of one class and severity take from 100 points.

    `density` is their area in m^2, length in m, or number on 100 m^2 of roof; `unmeasured` of them
    have no size, and count with nothing.
    """

    class_name: str
    severity: Severity
    count: int
    density: float
    measured_by: str
    points: float
    unmeasured: int = 0


@dataclass(frozen=True, kw_only=True)
class ConditionIndex:
    """The index of an area with its deducts, the largest first."""

    index: int
    area_m2: float
    deducts: tuple[DistressDeduct, ...]

    @property
    def range_name(self) -> str:
        """Return the range that the index is in, a name of `RANGES`."""
        return next(name for least, name in RANGES if self.index >= least)

    @property
    def unmeasured(self) -> int:
        """Return how many findings count with nothing, because their size is not known."""
        return sum(one.unmeasured for one in self.deducts)


def condition_index(
    findings: Sequence[RoofFinding],
    grades: Mapping[UUID, Grade],
    rules: SeverityRules,
    *,
    area_m2: float,
) -> ConditionIndex | None:
    """Return the index of an area with its findings, None for an area of nothing.

    Each class and severity takes its points times the square root of its density over `full_at`,
    at most all of them; the index is 100 times the product of what each leaves.
    """
    if not area_m2 > 0:
        return None
    groups: dict[tuple[str, Severity], list[RoofFinding]] = {}
    for one in findings:
        grade = grades.get(one.uuid)
        if grade is not None and rules.of(one.class_name).deducts is not None:
            groups.setdefault((one.class_name, grade.severity), []).append(one)
    deducts = [
        _deduct(name, severity, group, rules, area_m2)
        for (name, severity), group in sorted(groups.items())
    ]
    left = math.prod(1 - one.points / 100 for one in deducts)
    return ConditionIndex(
        index=round(100 * left),
        area_m2=area_m2,
        deducts=tuple(sorted(deducts, key=lambda one: (-one.points, one.class_name))),
    )


def _deduct(
    class_name: str,
    severity: Severity,
    group: Sequence[RoofFinding],
    rules: SeverityRules,
    area_m2: float,
) -> DistressDeduct:
    deducts = rules.of(class_name).deducts
    assert deducts is not None
    sizes = [one.size for one in group if one.size is not None]
    if deducts.measured_by == 'count':
        amount, unmeasured = float(len(group)), 0
    else:
        is_area = deducts.measured_by == 'area'
        amount = sum(one.area_m2 if is_area else one.length_m for one in sizes)
        unmeasured = len(group) - len(sizes)
    density = amount / area_m2 * _PER_M2
    share = min(math.sqrt(density / deducts.full_at), 1.0)
    return DistressDeduct(
        class_name=class_name,
        severity=severity,
        count=len(group),
        density=density,
        measured_by=deducts.measured_by,
        points=deducts.points[severity] * share,
        unmeasured=unmeasured,
    )
