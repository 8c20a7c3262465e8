# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the detector gives up while its results are too old, from what the node knows."""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Any

from roof_detector.pipeline.degradation import Degradation, ResultAges
from roof_detector.supervision.throttling import Throttling

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from roof_detector.inference.detector import Detector
    from roof_detector.pipeline.degradation import DegradationStep
    from roof_detector.ros.detector.detector_parameters import DetectorSettings

PERIOD_S = 0.5
# More results than come between two updates.
_MOST_AGES = 1000


class DetectorDegradation:
    """Feeds the policy with ages of results, drops and heat; any thread may `note` an age."""

    def __init__(self, throttling: Throttling | None = None) -> None:
        self._policy = Degradation()
        self._throttling = throttling or Throttling()
        self._ages_s: deque[float] = deque(maxlen=_MOST_AGES)
        self._too_old = 0

    @property
    def steps(self) -> tuple[DegradationStep, ...]:
        """Return the steps that are taken now."""
        return self._policy.steps

    @property
    def reason(self) -> str:
        """Return why the last step was taken."""
        return self._policy.reason

    @property
    def sentence(self) -> str:
        """Return what is given up now and why, empty where that is nothing."""
        return self._policy.sentence

    def note(self, age_s: float | None) -> None:
        """Take the age of a result that went out."""
        if age_s is not None:
            self._ages_s.append(age_s)

    def reset(self) -> bool:
        """Take all steps back; return whether there were any."""
        had_any, self._policy = bool(self.steps), Degradation()
        return had_any

    def update(
        self,
        settings: DetectorSettings,
        *,
        values: Mapping[str, Any],
        detector: Detector,
        too_old: int,
        is_watched: bool,
    ) -> bool:
        """Return whether a step was taken or taken back, every `PERIOD_S`.

        `settings` and `values` are what the parameters ask for, `too_old` counts the frames that
        were dropped for their age so far, `is_watched` is whether annotated images are drawn.
        """
        heard = ResultAges(
            ages_s=[self._ages_s.popleft() for _ in range(len(self._ages_s))],
            too_old=max(too_old - self._too_old, 0),
        )
        self._too_old = too_old
        if not values['degrade']:
            return self.reset()
        return self._policy.update(
            heard,
            now_s=monotonic(),
            limit_s=settings.max_age_s,
            throttled=self._throttling.is_on(),
            available=tuple(_available(settings, values, detector, is_watched=is_watched)),
        )


def _available(
    settings: DetectorSettings,
    values: Mapping[str, Any],
    detector: Detector,
    *,
    is_watched: bool,
) -> Iterator[DegradationStep]:
    """Yield the steps that would change anything now."""
    if is_watched:
        yield 'annotations'
    if settings.has_tiles:
        yield 'tiles'
    if not detector.fixed_size:
        yield 'input'
    if values['lighter_model'] not in ('', values['model']):
        yield 'model'
    yield 'thinning'
