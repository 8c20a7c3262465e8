# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Ties the detections of one stream to tracks, by the motion of their boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.assignment import assign
from roof_detector.findings.box_filter import BoxFilter
from roof_detector.findings.errors import FindingsError
from roof_detector.vision.matching import pairwise_iou

if TYPE_CHECKING:
    import numpy.typing as npt

    from roof_detector.vision.detections import Detections

_OTHER_CLASS = 0.3
"""What is taken from the overlap of a track with a detection of another class."""


@dataclass(frozen=True, kw_only=True)
class TrackerSettings:
    """The settings of a tracker; the defaults are those of ByteTrack where it has them.

    `high_confidence` divides detections into those that are matched first and may begin a track,
    and those that may only continue one. Boxes are enlarged by `margin` of their sides before
    they are compared, so that a small object which moved by its own size still overlaps (C-BIoU,
    Yang, Odashima, Masui and Jiang 2023).
    """

    high_confidence: float = 0.35
    low_confidence: float = 0.1
    least_overlap: float = 0.15
    least_low_overlap: float = 0.4
    margin: float = 0.3
    longest_gap: int = 15
    """The frames after which a track that is not detected ends."""

    def __post_init__(self) -> None:
        if not 0 <= self.low_confidence <= self.high_confidence <= 1:
            msg = (
                f'low_confidence is {self.low_confidence} and high_confidence '
                f'{self.high_confidence}; give 0 <= low <= high <= 1.'
            )
            raise FindingsError(msg)
        if self.longest_gap < 1:
            msg = f'longest_gap is {self.longest_gap}; give at least one frame.'
            raise FindingsError(msg)


class Tracker:
    """Tracks boxes through the frames of one stream; the same frames give the same numbers.

    Two-stage association as in ByteTrack (Zhang et al. 2022): confident detections are assigned
    to tracks first, the others to the tracks that are left. Boxes are predicted by Kalman filters
    of constant velocity and the camera's motion, as in BoT-SORT (Aharon et al. 2022).
    """

    def __init__(self, settings: TrackerSettings | None = None) -> None:
        self._settings = settings or TrackerSettings()
        self._filter = BoxFilter()
        self._ids = np.zeros(0, np.int64)
        self._class_ids = np.zeros(0, np.int32)
        self._missed = np.zeros(0, np.int64)
        self._next_id = 1

    def update(
        self, detections: Detections, *, motion: npt.NDArray[np.float64] | None = None
    ) -> npt.NDArray[np.int64]:
        """Return the track's number (n,) of each detection of the next frame, 0 for none.

        `motion` (3, 3) maps pixels of the frame before to pixels of this one. Detections below
        the low confidence have no track, nor have those below the high one that continue none.
        """
        settings = self._settings
        self._filter.predict(motion)
        self._missed += 1
        track_of = np.full(len(detections), -1, np.intp)
        free = np.ones(len(self._ids), np.bool_)
        high = detections.scores >= settings.high_confidence
        low = ~high & (detections.scores >= settings.low_confidence)
        for chosen, least in (
            (high, settings.least_overlap),
            (low, settings.least_low_overlap),
        ):
            self._assign(detections, np.flatnonzero(chosen), track_of, free, least=least)
        matched = np.flatnonzero(track_of >= 0)
        positions = track_of[matched]
        self._filter.correct(positions, detections.boxes_xyxy[matched])
        self._missed[positions] = 0
        self._class_ids[positions] = detections.class_ids[matched]
        ids = np.zeros(len(detections), np.int64)
        ids[matched] = self._ids[positions]
        begun = np.flatnonzero(high & (track_of < 0))
        if len(begun):
            ids[begun] = self._begin(detections, begun)
        self._end()
        return ids

    def end_all(self) -> None:
        """End all tracks, as where frames are missing; numbers go on."""
        self._missed += self._settings.longest_gap + 1
        self._end()

    def _assign(
        self,
        detections: Detections,
        chosen: npt.NDArray[np.intp],
        track_of: npt.NDArray[np.intp],
        free: npt.NDArray[np.bool_],
        *,
        least: float,
    ) -> None:
        """Assign the chosen detections to free tracks so that the sum of overlaps is largest."""
        tracks = np.flatnonzero(free)
        if not (len(chosen) and len(tracks)):
            return
        overlap = pairwise_iou(
            self._enlarged(detections.boxes_xyxy[chosen].astype(np.float64)),
            self._enlarged(self._filter.boxes_xyxy[tracks]),
        )
        other = detections.class_ids[chosen][:, None] != self._class_ids[tracks]
        overlap -= _OTHER_CLASS * other
        allowed = overlap >= least
        rows, columns = assign(-overlap, allowed)
        track_of[chosen[rows]] = tracks[columns]
        free[tracks[columns]] = False

    def _enlarged(self, boxes_xyxy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        margin = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) * self._settings.margin
        return np.hstack([boxes_xyxy[:, :2] - margin, boxes_xyxy[:, 2:] + margin])

    def _begin(self, detections: Detections, begun: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
        new = np.arange(self._next_id, self._next_id + len(begun))
        self._next_id += len(begun)
        self._filter.add(detections.boxes_xyxy[begun])
        self._ids = np.concatenate([self._ids, new])
        self._class_ids = np.concatenate([self._class_ids, detections.class_ids[begun]])
        self._missed = np.concatenate([self._missed, np.zeros(len(begun), np.int64)])
        return new

    def _end(self) -> None:
        kept = self._missed <= self._settings.longest_gap
        if kept.all():
            return
        self._filter.keep(kept)
        self._ids, self._class_ids = self._ids[kept], self._class_ids[kept]
        self._missed = self._missed[kept]
