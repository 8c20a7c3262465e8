# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Calibrated confidences: 0.7 means that seven of ten such detections are right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from collections.abc import Sequence

Curve = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ConfidenceCalibration:
    """For each class id the curve (k, 2) from the network's confidence to the share that is right.

    Both columns rise strictly, the first from 0 to 1, so that the order of detections within a
    class stays and every threshold has its place in both. A class with None keeps its confidences.
    """

    curves: tuple[Curve | None, ...]

    def __post_init__(self) -> None:
        for curve in self.curves:
            if curve is None:
                continue
            rises = len(curve) > 1 and bool((np.diff(curve, axis=0) > 0).all())
            if not rises or curve[0, 0] != 0 or curve[-1, 0] != 1:
                msg = (
                    f'A calibration curve is {np.asarray(curve).tolist()}, expected two rows or '
                    'more that rise in both columns, the first column from 0 to 1.'
                )
                raise VisionError(msg)

    @classmethod
    def of(cls, rows: Sequence[Sequence[tuple[float, float]]]) -> ConfidenceCalibration | None:
        """Return the calibration of classes given by their rows, None if no class has any."""
        if not any(len(one) for one in rows):
            return None
        return cls(tuple(np.array(one, np.float64) if len(one) else None for one in rows))

    def apply(
        self, scores: npt.NDArray[np.float32], class_ids: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.float32]:
        """Return the calibrated confidences (n,) of the network's (n,)."""
        found = scores.copy()
        for class_id, curve in enumerate(self.curves):
            own = class_ids == class_id
            if curve is not None and own.any():
                found[own] = np.interp(scores[own], curve[:, 0], curve[:, 1])
        return found

    def raw(self, confidence: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the network's thresholds (classes,) that stand for calibrated ones (classes,).

        What no confidence of the network reaches has the threshold 1.
        """
        found = confidence.copy()
        for class_id, curve in enumerate(self.curves):
            if curve is None:
                continue
            wanted = float(confidence[class_id])
            if wanted >= curve[-1, 1]:
                found[class_id] = 1.0
            else:
                found[class_id] = np.interp(wanted, curve[:, 1], curve[:, 0])
        return found
