# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a detector gives up, in a fixed order, when its results grow too old or the CPU hot."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf
from statistics import median
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

# From what is missed least to what is missed most: images for people, small objects in tiles,
# small objects at all, objects, and whole frames.
DegradationStep = Literal['annotations', 'tiles', 'input', 'model', 'thinning']
STEPS: tuple[DegradationStep, ...] = get_args(DegradationStep)
STEP_NAMES: dict[DegradationStep, str] = {
    'annotations': 'fewer annotated images',
    'tiles': 'one tile a frame',
    'input': 'a smaller input',
    'model': 'the lighter model',
    'thinning': 'every second frame',
}

# A step shows its effect within this time; the load that caused it may pass as well.
_JUDGED_S = 2.0
_FEWEST_RESULTS = 3
# Heat passes slowly.
_THROTTLED_S = 10.0
# Results have to be this much younger than the limit before anything is given back.
_YOUNG = 0.6
_BACK_S = 10.0
_LATEST_BACK_S = 160.0


@dataclass(frozen=True, kw_only=True)
class ResultAges:
    """What was heard since the last time: the ages of results, and frames dropped as too old."""

    ages_s: Sequence[float] = ()
    too_old: int = 0


class Degradation:
    """Takes steps in the order of `STEPS` while results are too old, and takes them back.

    Pure: `update` hears of the ages of results a few times a second and returns whether a step was
    taken or taken back. `steps` are those taken now; `reason` is a sentence on the last change. A
    step back that is regretted within 30 s makes the next one wait twice as long, 160 s at most.
    """

    def __init__(self) -> None:
        self.steps: tuple[DegradationStep, ...] = ()
        self.reason = ''
        self._heard: deque[tuple[float, ResultAges]] = deque()
        self._problem_s: float | None = None  # since when there is one
        self._changed_s = -inf
        self._given_back_s = -inf
        self._back_s = _BACK_S

    @property
    def sentence(self) -> str:
        """Return what is given up now and why, empty where that is nothing."""
        if not self.steps:
            return ''
        names = ', '.join(STEP_NAMES[step] for step in self.steps)
        return f'Quality is reduced ({names}): {self.reason}.'

    def update(
        self,
        heard: ResultAges,
        *,
        now_s: float,
        limit_s: float,
        throttled: bool,
        available: Collection[DegradationStep],
    ) -> bool:
        """Take `heard` into account; `limit_s` is the age that results may have, 0 for any.

        `throttled` says that the CPU is slowed down for heat or power. Only steps in `available`
        are taken: the others would change nothing now.
        """
        self._heard.append((now_s, heard))
        while self._heard and self._heard[0][0] <= now_s - _BACK_S:
            self._heard.popleft()
        if problem := self._problem(now_s, limit_s, throttled=throttled):
            if self._problem_s is None:
                self._problem_s = now_s
            patience_s = _THROTTLED_S if throttled else _JUDGED_S
            is_time = now_s - self._problem_s >= patience_s
            return is_time and self._give_up(problem, available, now_s=now_s)
        self._problem_s = None
        if self.steps and now_s - self._changed_s >= self._back_s:
            return self._give_back(now_s, limit_s)
        return False

    def _problem(self, now_s: float, limit_s: float, *, throttled: bool) -> str:
        """Return why something has to be given up, empty where nothing has."""
        if throttled:
            return 'the CPU is slowed down for heat or power'
        if not limit_s:
            return ''
        after_s = max(now_s - _JUDGED_S, self._changed_s)
        recent = [one for moment_s, one in self._heard if moment_s > after_s]
        ages_s = [age_s for one in recent for age_s in one.ages_s]
        too_old = sum(one.too_old for one in recent)
        late = too_old + sum(age_s > limit_s for age_s in ages_s)
        count = too_old + len(ages_s)
        if count < _FEWEST_RESULTS or 2 * late <= count:
            return ''
        told = f'results were {median(ages_s):.2f} s old' if ages_s else 'all frames were too old'
        return f'{told}, the limit is {limit_s:g} s'

    def _give_up(
        self, problem: str, available: Collection[DegradationStep], *, now_s: float
    ) -> bool:
        step = next((one for one in STEPS if one in available and one not in self.steps), None)
        if step is None:
            return False
        if now_s - self._given_back_s < 3 * _BACK_S:
            self._back_s = min(2 * self._back_s, _LATEST_BACK_S)
        self.steps = tuple(one for one in STEPS if one in (*self.steps, step))
        self.reason = problem
        self._changed_s, self._problem_s = now_s, None
        return True

    def _give_back(self, now_s: float, limit_s: float) -> bool:
        """Take the last step back if results are young enough."""
        ages_s = [age_s for _, one in self._heard for age_s in one.ages_s]
        late = any(one.too_old for _, one in self._heard)
        if limit_s and (late or not ages_s or max(ages_s) > _YOUNG * limit_s):
            return False
        if now_s - self._given_back_s > 3 * self._back_s:
            self._back_s = _BACK_S  # the load is another one by now
        self.steps = self.steps[:-1]
        self._changed_s = self._given_back_s = now_s
        return True
