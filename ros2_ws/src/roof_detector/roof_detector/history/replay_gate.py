# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The gate before a model flies: how much of what was found and decided it may change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.history.errors import HistoryError
from roof_detector.history.replayed_findings import ReplayedKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.history.replayed_findings import ReplayedFinding


@dataclass(frozen=True, kw_only=True)
class ReplayLimits:
    """The most that a model may change, as shares.

    `lost`: of findings that nobody decided. `contradicted`: of those that people confirmed or
    renamed. `gained`: new ones beside all that were reported, which somebody has to review.
    `raised`: rejected ones that are reported again. `least_findings`: from fewer that were
    reported before nothing follows.
    """

    lost: float = 0.05
    contradicted: float = 0.0
    gained: float = 0.25
    raised: float = 1.0
    least_findings: int = 10

    def __post_init__(self) -> None:
        for name in ('lost', 'contradicted', 'raised'):
            if not 0 <= getattr(self, name) <= 1:
                msg = f'The limit {name} is {getattr(self, name)}, expected a share from 0 to 1.'
                raise HistoryError(msg)
        if not self.gained >= 0 or self.least_findings < 0:
            msg = (
                f'The limits are {self.gained} gained and at least {self.least_findings} '
                'findings, expected 0 or more.'
            )
            raise HistoryError(msg)


@dataclass(frozen=True, kw_only=True)
class GateCheck:
    """One number of the gate: `count` of `of`, and the limit."""

    name: str
    count: int
    of: int
    limit: float
    passed: bool

    @property
    def share(self) -> float | None:
        """Return the share, None where there is nothing that it could be of."""
        return self.count / self.of if self.of else None

    def line(self) -> str:
        """Return the line to print for the user."""
        verdict = 'ok' if self.passed else 'NOT PASSED'
        if self.name == 'findings':
            return f'{self.name:13} {self.count:6d}, at least {self.limit:g}: {verdict}'
        share = '-' if self.share is None else f'{100 * self.share:.1f} %'
        return (
            f'{self.name:13} {self.count:6d} of {self.of}, {share}, at most '
            f'{100 * self.limit:g} %: {verdict}'
        )


def gate_checks(found: Sequence[ReplayedFinding], limits: ReplayLimits) -> list[GateCheck]:
    """Return each number of the gate with whether it passes."""
    counts = {kind: sum(one.kind is kind for one in found) for kind in ReplayedKind}
    decided = sum(one.by_person for one in found)
    rejected = counts[ReplayedKind.STILL_RAISED] + counts[ReplayedKind.NO_LONGER_RAISED]
    confirmed = decided - rejected
    reported = len(found) - rejected - counts[ReplayedKind.GAINED]
    checks = [
        _check('lost', counts[ReplayedKind.LOST], reported - confirmed, limits.lost),
        _check('contradicted', counts[ReplayedKind.CONTRADICTED], confirmed, limits.contradicted),
        _check('gained', counts[ReplayedKind.GAINED], reported, limits.gained),
        _check('still raised', counts[ReplayedKind.STILL_RAISED], rejected, limits.raised),
    ]
    enough = GateCheck(
        name='findings',
        count=reported,
        of=reported,
        limit=limits.least_findings,
        passed=reported >= limits.least_findings,
    )
    return [*checks, enough]


def _check(name: str, count: int, of: int, limit: float) -> GateCheck:
    passed = count <= limit * of + 1e-9 if of else count == 0
    return GateCheck(name=name, count=count, of=of, limit=limit, passed=passed)
