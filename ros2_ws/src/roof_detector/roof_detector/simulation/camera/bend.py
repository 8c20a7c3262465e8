# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Lens distortion and rolling shutter, which bend an image and its labels alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.simulation.camera.truth import Truth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.simulation.flight.flight_config import FlightConfig


@dataclass(frozen=True)
class Bend:
    """The source position of each pixel (h, w) of the bent image."""

    from_x: NDArray[np.float32]
    from_y: NDArray[np.float32]

    @classmethod
    def of(cls, config: FlightConfig) -> Bend | None:
        """Return the bend of a camera, None if it is straight."""
        if config.distortion == 0 and config.rolling_shutter_px == 0:
            return None
        width, height = config.size_wh
        x = np.arange(width, dtype=np.float32)[None, :] - (width - 1) / 2
        y = np.arange(height, dtype=np.float32)[:, None] - (height - 1) / 2
        reach = (x * x + y * y) / np.float32((width * width + height * height) / 4)
        # Scaled so that a barrel distortion fills the image to its corners.
        gain = (1 - config.distortion * reach) / (1 + max(-config.distortion, 0.0))
        drift = config.rolling_shutter_px * (y / max(height - 1, 1))
        return cls(
            (x * gain + drift + (width - 1) / 2).astype(np.float32),
            (y * gain + (height - 1) / 2).astype(np.float32),
        )

    def image(self, image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bend colours; the outside repeats the edge."""
        bent = cv2.remap(
            image_bgr, self.from_x, self.from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(bent, np.uint8)

    def truth(self, truth: Truth) -> Truth:
        """Bend the mask and read the boxes from it again; objects bent out of view are dropped."""
        bent = cv2.remap(
            truth.mask,
            self.from_x,
            self.from_y,
            cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_REPLICATE,
        )
        kept, boxes = [], []
        table = np.zeros(len(truth.class_ids) + 1, np.uint16)
        for i in range(len(truth.class_ids)):
            rows, columns = np.nonzero(bent == i + 1)
            if len(rows) > 0:
                kept.append(i)
                boxes.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
                table[i + 1] = len(kept)
        return Truth(
            boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4),
            class_ids=truth.class_ids[kept],
            instance_ids=truth.instance_ids[kept],
            mask=table[bent],
            positions_enu=truth.positions_enu[kept],
        )
