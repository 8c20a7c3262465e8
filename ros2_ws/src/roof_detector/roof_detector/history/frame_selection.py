# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Chooses the frames that are worth a label: at most N of each flight, always the same ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.seen_frames import METRES_PER_DEGREE
from roof_detector.history.errors import HistoryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from roof_detector.findings.stored_frames import StoredFrame
    from roof_detector.history.frame_reasons import FrameReasons

# Of a flight's frames, how many times those that are wanted are looked at: their images are read.
_LOOKED_AT = 6
# A frame like one that is chosen already keeps this share of what its sightings say.
_LEAST_NOVEL = 0.25
# Features of length 1 that differ by less are those of one image.
_LEAST_APART = 1e-3


@dataclass(frozen=True, kw_only=True)
class SelectionSettings:
    """How many frames of a flight are chosen, and what each reason weighs."""

    per_flight: int = 20
    uncertain: float = 1.0
    disagreeing: float = 1.0
    rejected: float = 1.0
    new_place: float = 0.5
    diverse: float = 0.5

    def __post_init__(self) -> None:
        if self.per_flight < 1:
            msg = f'{self.per_flight} frames of a flight are wanted; give 1 or more.'
            raise HistoryError(msg)
        for name in ('uncertain', 'disagreeing', 'rejected', 'new_place', 'diverse'):
            if not 0 <= getattr(self, name) <= 100:
                msg = f'The weight {name} is {getattr(self, name)}; give a number from 0 to 100.'
                raise HistoryError(msg)


@dataclass(frozen=True, eq=False, kw_only=True)
class Candidate:
    """A frame that may be chosen.

    `inspection` is the place of its inspection in the list. `feature` (d,) is what the network
    makes of its image, of length 1, None where that is not known.
    """

    inspection: int
    frame: StoredFrame
    reasons: FrameReasons
    feature: npt.NDArray[np.float32] | None = None

    @property
    def flight(self) -> tuple[int, str]:
        """Return the inspection and flight, of which only so many are chosen."""
        return self.inspection, self.frame.key[0]

    @property
    def order(self) -> tuple[int, str, str, int]:
        """Return what decides between equals, the same in every run."""
        return (self.inspection, *self.frame.key)


@dataclass(frozen=True, eq=False)
class ChosenFrame:
    """A chosen candidate with its score and what each reason gave to it when it was chosen."""

    candidate: Candidate
    score: float
    shares: dict[str, float] = field(default_factory=dict)


def worth_a_look(candidates: Sequence[Candidate], settings: SelectionSettings) -> list[Candidate]:
    """Return the candidates whose images are to be read, a bounded number of each flight.

    Those are the best by their sightings, and the best of each part of the flight.
    """
    flights: dict[tuple[int, str], list[Candidate]] = {}
    for one in candidates:
        flights.setdefault(one.flight, []).append(one)
    kept: list[Candidate] = []
    for listed in flights.values():
        most = _LOOKED_AT * settings.per_flight
        parts = np.array_split(np.arange(len(listed)), min(most // 3, len(listed)))
        scores = [_static(one, settings) for one in listed]
        chosen = {max(part.tolist(), key=lambda k: (scores[k], -k)) for part in parts}
        for k in sorted(range(len(listed)), key=lambda k: (-scores[k], k)):
            if len(chosen) >= most:
                break
            chosen.add(k)
        kept += [listed[k] for k in sorted(chosen)]
    return kept


def choose_frames(
    candidates: Sequence[Candidate],
    settings: SelectionSettings,
    *,
    known_places: Sequence[tuple[float, float]] = (),
) -> list[ChosenFrame]:
    """Choose the best frame, then the best of the others beside it, and so on.

    `known_places`, latitude and longitude, are where frames were labelled before.
    """
    pool = sorted(candidates, key=lambda one: one.order)
    if not pool:
        return []
    static = np.array([_static(one, settings) for one in pool])
    novelty = _Novelty(pool, known_places)
    open_ = np.ones(len(pool), bool)
    taken: Counter[tuple[int, str]] = Counter()
    chosen: list[ChosenFrame] = []
    while open_.any():
        new, diverse = novelty.new_place, novelty.diverse
        is_novel = np.where(np.isnan(new) & np.isnan(diverse), 1.0, np.fmax(new, diverse))
        own = static * (_LEAST_NOVEL + (1 - _LEAST_NOVEL) * is_novel)
        place = settings.new_place * np.nan_to_num(new)
        look = settings.diverse * np.nan_to_num(diverse)
        scores = np.where(open_, np.round(own + place + look, 6), -np.inf)
        k = int(scores.argmax())  # the first of equals
        one = pool[k]
        shares = {
            name: round(getattr(settings, name) * getattr(one.reasons, name), 4)
            for name in ('uncertain', 'disagreeing', 'rejected')
        }
        shares |= {'new_place': round(float(place[k]), 4), 'diverse': round(float(look[k]), 4)}
        chosen.append(ChosenFrame(one, float(scores[k]), shares))
        open_[k] = False
        taken[one.flight] += 1
        if taken[one.flight] >= settings.per_flight:
            open_ &= np.array([other.flight != one.flight for other in pool])
        novelty.add(k)
    return chosen


class _Novelty:
    """How far each candidate is from all that is chosen, by place and by look; nan if unknown."""

    def __init__(self, pool: Sequence[Candidate], known: Sequence[tuple[float, float]]) -> None:
        places = [one.reasons.centre_deg or (np.nan, np.nan) for one in pool]
        self._places = np.array(places, np.float64)
        self._extents = np.array([one.reasons.extent_m or np.nan for one in pool], np.float64)
        sizes = {len(one.feature) for one in pool if one.feature is not None}
        width = sizes.pop() if len(sizes) == 1 else 0
        rows = [
            np.full(width, np.nan, np.float32) if one.feature is None or not width else one.feature
            for one in pool
        ]
        self._features = _apart(np.array(rows, np.float32))
        self.new_place = np.where(np.isnan(self._extents), np.nan, 1.0)
        self.diverse = (
            np.where(np.isnan(self._features).any(axis=1), np.nan, 1.0)
            if width
            else np.full(len(pool), np.nan)
        )
        for place in known:
            self._near(np.array(place))

    def add(self, k: int) -> None:
        """Take note that a candidate is chosen."""
        self._near(self._places[k])
        if self._features.shape[1] and np.isfinite(self._features[k]).all():
            # Rounded, so that another number of threads gives the same order.
            likeness = np.round(self._features @ self._features[k], 3)
            if not self._features[k].any():
                likeness = np.where(self._features.any(axis=1), likeness, 1.0)
            self.diverse = np.minimum(self.diverse, np.clip(1.0 - likeness, 0.0, 1.0))

    def _near(self, place_deg: npt.NDArray[np.float64]) -> None:
        if np.isnan(place_deg).any():
            return
        north, east = ((self._places - place_deg) * METRES_PER_DEGREE).T
        distance = np.hypot(east * np.cos(np.radians(place_deg[0])), north)
        self.new_place = np.minimum(self.new_place, 1.0 - np.exp(-distance / self._extents))


def _apart(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return features (n, d) of length 1 from their mean, zero for those that do not differ.

    All images of roofs have most of their features in common: only what is left tells them apart.
    """
    if not features.shape[1] or np.isnan(features).all():
        return features
    centred = features - np.nanmean(features, axis=0)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.where(lengths < _LEAST_APART, 0.0, centred / np.maximum(lengths, _LEAST_APART))


def _static(candidate: Candidate, settings: SelectionSettings) -> float:
    reasons = candidate.reasons
    return (
        settings.uncertain * reasons.uncertain
        + settings.disagreeing * reasons.disagreeing
        + settings.rejected * reasons.rejected
    )
