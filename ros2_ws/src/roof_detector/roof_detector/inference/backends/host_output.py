# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The raw output of a network for one image, in host memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from roof_detector.vision.candidates import Candidates, find_candidates
from roof_detector.vision.suppression import select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.vision.detections import Detections
    from roof_detector.vision.letterbox import Letterbox
    from roof_detector.vision.thresholds import ResolvedThresholds


@dataclass(frozen=True, eq=False)
class HostOutput:
    """The predictions for one image, see `RawOutput`."""

    predictions: npt.NDArray[np.float32]
    prototypes: npt.NDArray[np.float32] | None

    @classmethod
    def of_batch(cls, outputs: Sequence[npt.NDArray[np.float32]]) -> list[HostOutput]:
        """Split what a runtime returned by image: predictions, then prototypes if any."""
        predictions, *others = (np.ascontiguousarray(one, dtype=np.float32) for one in outputs[:2])
        prototypes = others[0] if others else [None] * len(predictions)
        return [cls(*both) for both in zip(predictions, prototypes, strict=True)]

    def candidates(self, *, classes: int, floor: float) -> Candidates:
        """Return all candidates with a confidence above a floor."""
        return find_candidates(
            self.predictions,
            classes=classes,
            coefficients=0 if self.prototypes is None else len(self.prototypes),
            floor=floor,
        )

    def select(self, *, thresholds: ResolvedThresholds, geometry: Letterbox) -> Detections:
        """Choose detections and bring them to source pixels."""
        return select(
            self.predictions,
            thresholds=thresholds,
            geometry=geometry,
            prototypes=self.prototypes,
        )
