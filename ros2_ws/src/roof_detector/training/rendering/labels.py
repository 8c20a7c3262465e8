# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Label lines in the YOLO formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class LabelledFrame(Protocol):
    """An image (h, w, 3) with boxes, classes and the mask of positions plus one."""

    @property
    def image_bgr(self) -> NDArray[np.uint8]:
        """Return the image."""

    @property
    def boxes_xyxy(self) -> NDArray[np.float32]:
        """Return the boxes (n, 4)."""

    @property
    def class_ids(self) -> NDArray[np.int32]:
        """Return the classes (n,)."""

    @property
    def mask(self) -> NDArray[np.uint16]:
        """Return the mask (h, w)."""


def box_lines(frame: LabelledFrame) -> list[str]:
    """Return YOLO lines: class, centre x, y, width, height as shares of the image."""
    height, width = frame.image_bgr.shape[:2]
    out = []
    for (x0, y0, x1, y1), class_id in zip(frame.boxes_xyxy, frame.class_ids, strict=True):
        middle = ((x0 + x1) / 2 / width, (y0 + y1) / 2 / height)
        extent = ((x1 - x0) / width, (y1 - y0) / height)
        out.append(f'{class_id} ' + ' '.join(f'{value:.6f}' for value in (*middle, *extent)))
    return out


def segment_lines(frame: LabelledFrame) -> list[str]:
    """Return YOLO segmentation lines: class and the outline of the visible mask.

    A mask in several pieces becomes one outline that runs forth and back along thin bridges.
    """
    height, width = frame.image_bgr.shape[:2]
    out = []
    for i, (class_id, box) in enumerate(zip(frame.class_ids, frame.boxes_xyxy, strict=True)):
        x0, y0, x1, y1 = box.astype(int)
        outline = outline_of(frame.mask[y0:y1, x0:x1] == i + 1)
        if outline is None:
            continue
        points = (outline + box[:2] + 0.5) / (width, height)
        out.append(f'{class_id} ' + ' '.join(f'{value:.6f}' for value in points.reshape(-1)))
    return out


def outline_of(mask: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Return the outer contour (n, 2) of a mask in pixels, its pieces joined where nearest."""
    contours, _ = cv2.findContours(
        mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    pieces = [contour[:, 0].astype(np.float64) for contour in contours if len(contour) >= 3]
    pieces.sort(key=len, reverse=True)
    if not pieces:
        return None
    joined = pieces[0]
    for piece in pieces[1:12]:
        gaps = np.linalg.norm(joined[:, None] - piece[None], axis=2)
        i, j = np.unravel_index(int(np.argmin(gaps)), gaps.shape)
        loop = np.concatenate([piece[j:], piece[: j + 1]])
        joined = np.concatenate([joined[: i + 1], loop, joined[i:]])
    return joined
