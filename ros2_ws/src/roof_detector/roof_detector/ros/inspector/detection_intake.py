# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Receives the detections of one camera, and leaves out what cannot be used of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from roof_detector.vision.detections import Detections

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

_RESTART_NS = 1_000_000_000  # stamps that go back by more are of a playback that began again
_FARTHEST_PX = 100_000.0
MOST_DETECTIONS = 1000


@dataclass(frozen=True, eq=False)
class UsableDetections:
    """The detections of a message that can be used, and their positions in it (n,)."""

    detections: Detections
    positions: np.ndarray[tuple[int], np.dtype[np.intp]]


def usable_detections(
    message: Any, ids: Mapping[str, int], left_out: Counter[str]
) -> UsableDetections:
    """Return the detections of a Detection2DArray; count others in `left_out` by cause.

    The best hypothesis of each counts; `ids` are the class ids by name. Of more than 1000 those
    of the highest confidence are kept.
    """
    rows, positions = [], []
    for position, detection in enumerate(message.detections):
        row = _row(detection, ids)
        if isinstance(row, str):
            left_out[row] += 1
        else:
            rows.append(row)
            positions.append(position)
    table = np.array(rows, np.float64).reshape(-1, 6)
    kept = np.arange(len(table))
    if len(table) > MOST_DETECTIONS:
        kept = np.sort(np.argsort(-table[:, 4], kind='stable')[:MOST_DETECTIONS])
        left_out['more than 1000 in a frame'] += len(table) - MOST_DETECTIONS
    table = table[kept]
    half = table[:, 2:4] / 2
    found = Detections(
        boxes_xyxy=np.hstack([table[:, :2] - half, table[:, :2] + half]).astype(np.float32),
        scores=table[:, 4].astype(np.float32),
        class_ids=table[:, 5].astype(np.int32),
    )
    return UsableDetections(found, np.array(positions, np.intp)[kept])


def _row(detection: Any, ids: Mapping[str, int]) -> tuple[float, ...] | str:
    """Return centre, size, confidence and class id of a detection, or why it cannot be used."""
    if not detection.results:
        return 'without a class'
    best = max((one.hypothesis for one in detection.results), key=lambda one: one.score)
    class_id = ids.get(best.class_id)
    if class_id is None:
        return 'of a class that the labels do not have'
    box, centre = detection.bbox, detection.bbox.center.position
    numbers = (centre.x, centre.y, box.size_x, box.size_y, best.score)
    if not all(math.isfinite(one) and abs(one) < _FARTHEST_PX for one in numbers):
        return 'with a box that is not finite'
    if not (box.size_x > 0 and box.size_y > 0 and 0 <= best.score <= 1):
        return 'without an area, or with a confidence beyond 0 to 1'
    return *numbers, float(class_id)


class StampCheck:
    """Whether the stamps of a topic rise; a message with another one is not used."""

    def __init__(self) -> None:
        self._last_ns: int | None = None

    def fault(self, stamp: Any) -> str:
        """Return why a message of this stamp cannot be used, '' where it can."""
        if not (stamp.sec >= 0 and stamp.nanosec < 10**9 and (stamp.sec or stamp.nanosec)):
            return 'without a stamp'
        stamp_ns = int(stamp.sec) * 10**9 + int(stamp.nanosec)
        last_ns = self._last_ns
        if last_ns is not None and last_ns - _RESTART_NS < stamp_ns <= last_ns:
            return 'repeated' if stamp_ns == last_ns else 'out of order'
        self._last_ns = stamp_ns
        return ''
