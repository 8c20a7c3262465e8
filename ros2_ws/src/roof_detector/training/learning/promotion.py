# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Whether a retrained model replaces the one that flies."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from training.evaluation.comparison import difference
from training.learning.errors import LearningError

if TYPE_CHECKING:
    from training.evaluation import Evaluation

# The AP of fewer objects says nothing about a class.
_LEAST_INSTANCES = 10


@dataclass(frozen=True, kw_only=True)
class PromotionLimits:
    """What a model must reach to be promoted.

    `least_gain`: of mAP50. `most_lost`: how far below zero the 95 % interval of the gain may
    reach. `most_class_lost`: of the AP50 of any class with enough objects.
    """

    least_gain: float = 0.0
    most_lost: float = 0.02
    most_class_lost: float = 0.05

    def __post_init__(self) -> None:
        if not -1 <= self.least_gain <= 1:
            msg = f'The least gain is {self.least_gain}, expected a difference of mAP50.'
            raise LearningError(msg)
        for name in ('most_lost', 'most_class_lost'):
            if not 0 <= getattr(self, name) <= 1:
                msg = f'The limit {name} is {getattr(self, name)}, expected between 0 and 1.'
                raise LearningError(msg)


@dataclass(frozen=True, kw_only=True)
class PromotionCheck:
    """One condition: its value, its limit and whether it holds."""

    name: str
    value: float | None
    limit: float
    passed: bool

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    def line(self) -> str:
        """Return the line to print for the user."""
        value = '-' if self.value is None else f'{self.value:+.4f}'
        verdict = 'ok' if self.passed else 'NOT PASSED'
        return f'{self.name:32} {value:>8}, at least {self.limit:+.4f}: {verdict}'


def promotion_checks(
    old: Evaluation, new: Evaluation, limits: PromotionLimits
) -> list[PromotionCheck]:
    """Return the conditions, of two models on the same images."""
    gain = (new.map50 or 0.0) - (old.map50 or 0.0)
    bounds = difference(new, old)
    low = None if bounds is None else float(bounds[0])
    checks = [
        _check('gain of mAP50', gain, limits.least_gain),
        # Too few images to say anything are no evidence for a change.
        _check('its 95 % interval begins at', low, -limits.most_lost),
    ]
    for name, before in old.per_class.items():
        now = new.per_class.get(name)
        if before.ap50 is None or now is None or before.instances < _LEAST_INSTANCES:
            continue
        lost = (now.ap50 or 0.0) - before.ap50
        checks.append(_check(f'gain of AP50 of {name}', lost, -limits.most_class_lost))
    return checks


def _check(name: str, value: float | None, limit: float) -> PromotionCheck:
    passed = value is not None and value >= limit - 1e-9
    rounded = None if value is None else round(value, 6)
    return PromotionCheck(name=name, value=rounded, limit=limit, passed=passed)
