# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Measures how the image of a video turns, to tie its time to that of an autopilot."""

from __future__ import annotations

from contextlib import closing
from math import atan2
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.video import VideoInput
from roof_detector.telemetry.log_track import VideoMotion

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_SIDE_PX = 320
_STEP_NS = 100_000_000  # between two frames that are compared
_LONGEST_NS = 900 * 10**9  # a quarter of an hour is enough to tie any flight
_MOST_POINTS, _LEAST_POINTS = 200, 12


def video_motion(path: Path) -> VideoMotion:
    """Return how a video's image turns; its frames are decoded once, up to 15 minutes."""
    times: list[float] = []
    turns: list[float] = []
    began_utc_ns: int | None = None
    last: tuple[int, NDArray[np.uint8]] | None = None
    with closing(VideoInput(path)) as video:
        try:
            for frame in video.recorded():
                if began_utc_ns is None and frame.moment is not None:
                    utc_ns = frame.moment.utc_ns
                    began_utc_ns = None if utc_ns is None else utc_ns - frame.stamp_ns
                if frame.stamp_ns > _LONGEST_NS:
                    break
                if last is not None and frame.stamp_ns - last[0] < _STEP_NS:
                    continue
                if not isinstance(frame.image, np.ndarray):
                    continue
                grey = _small(frame.image)
                if last is not None:
                    turn = _turn(last[1], grey)
                    if turn is not None:
                        times.append((last[0] + frame.stamp_ns) / 2e9)
                        turns.append(turn / ((frame.stamp_ns - last[0]) / 1e9))
                last = frame.stamp_ns, grey
        except InputError:  # a damaged end: what came before counts
            pass
    return VideoMotion(times_s=np.array(times), turns=np.array(turns), began_utc_ns=began_utc_ns)


def _small(image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    zoom = min(1.0, _SIDE_PX / max(image_bgr.shape[:2]))
    small = cv2.resize(image_bgr, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


def _turn(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float | None:
    """Return the turn of a camera that looks down, to the right in radians, None if not seen."""
    points = cv2.goodFeaturesToTrack(before, _MOST_POINTS, 0.01, 5)
    if points is None or len(points) < _LEAST_POINTS:
        return None
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, after, points, np.zeros_like(points))
    kept = found.ravel() == 1
    if kept.sum() < _LEAST_POINTS:
        return None
    matrix, _ = cv2.estimateAffinePartial2D(points[kept], moved[kept], method=cv2.RANSAC)
    # What is seen turns the other way; y points down in the image, which turns the sign again.
    return None if matrix is None else -atan2(float(matrix[1, 0]), float(matrix[0, 0]))
