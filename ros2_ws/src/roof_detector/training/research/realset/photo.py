# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A photograph with labelled boxes that is scaled, turned and cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from training.dataset.instance import Instance

if TYPE_CHECKING:
    from training.dataset.instance import Floats

Image = npt.NDArray[np.uint8]
# As tiles of an orthophoto are labelled: where at least so much of an object shows.
_LEAST_VISIBLE = 0.35
_LEAST_SIDE_PX = 4.0


@dataclass(frozen=True, eq=False)
class Photo:
    """An image (h, w, 3) in BGR, its boxes (n, 4) as x1, y1, x2, y2 in pixels, and their class.

    All boxes are of one class of the model, `class_id`.
    """

    image_bgr: Image
    boxes_xyxy: Floats
    class_id: int = 0

    @property
    def size_wh(self) -> tuple[int, int]:
        """Return width and height in pixels."""
        height, width = self.image_bgr.shape[:2]
        return width, height

    def scaled(self, factor: float) -> Photo:
        """Return the photo with sides `factor` times as long."""
        width, height = (max(round(side * factor), 1) for side in self.size_wh)
        way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        image_bgr = cv2.resize(self.image_bgr, (width, height), interpolation=way)
        stretch = np.array([width / self.size_wh[0], height / self.size_wh[1]] * 2)
        return Photo(
            image_bgr.astype(np.uint8, copy=False), self.boxes_xyxy * stretch, self.class_id
        )

    def posed(self, quarters: int, *, mirrored: bool) -> Photo:
        """Return the photo mirrored left to right, if asked for, then turned by quarters."""
        image_bgr, boxes = self.image_bgr, self.boxes_xyxy
        if mirrored:
            image_bgr = image_bgr[:, ::-1]
            x1, y1, x2, y2 = boxes.T
            boxes = np.stack([self.size_wh[0] - x2, y1, self.size_wh[0] - x1, y2], axis=1)
        for _ in range(quarters % 4):
            width = image_bgr.shape[1]
            image_bgr = np.rot90(image_bgr)
            boxes = np.stack(
                [boxes[:, 1], width - boxes[:, 2], boxes[:, 3], width - boxes[:, 0]], axis=1
            )
        return Photo(np.ascontiguousarray(image_bgr), boxes, self.class_id)

    def window(self, x: int, y: int, size_wh: tuple[int, int]) -> Photo:
        """Return a cut-out; boxes that it shows too little of are left out."""
        width, height = size_wh
        image_bgr = self.image_bgr[y : y + height, x : x + width]
        corner = np.array([x, y, x, y])
        moved = self.boxes_xyxy - corner
        cut = np.clip(moved, 0, np.array([image_bgr.shape[1], image_bgr.shape[0]] * 2))
        shown = _areas(cut) >= _LEAST_VISIBLE * np.maximum(_areas(moved), 1e-9)
        large = ((cut[:, 2:] - cut[:, :2]) >= _LEAST_SIDE_PX).all(axis=1)
        return Photo(image_bgr, cut[shown & large], self.class_id)

    def random_window(self, size_wh: tuple[int, int], rng: np.random.Generator) -> Photo:
        """Return a cut-out at a random place, smaller where the photo is."""
        x, y = (
            int(rng.integers(0, max(side - wanted, 0) + 1))
            for side, wanted in zip(self.size_wh, size_wh, strict=True)
        )
        return self.window(x, y, size_wh)

    def instances(self) -> tuple[Instance, ...]:
        """Return the boxes as labels."""
        shares = self.boxes_xyxy / np.array([*self.size_wh, *self.size_wh])
        return tuple(Instance.of_box(self.class_id, box) for box in shares)


def _areas(boxes_xyxy: Floats) -> Floats:
    sides = np.maximum(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1], dtype=np.float64)
