# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which pixels each found thing covers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from roof_detector.vision.errors import VisionError
from roof_detector.vision.letterbox import Letterbox

MAX_INSTANCES = np.iinfo(np.uint16).max


@dataclass(frozen=True, eq=False)
class InstanceMasks:
    """Keep instance masks as small as the network gave them; enlarge on demand only.

    `logits` (n, mask height, mask width) float32 over the whole network input, a pixel belongs to
    the instance where they are above 0 and within its box; `boxes_xyxy` (n, 4) float32 in source
    pixels; `geometry` says how the source picture lies in the input.
    """

    logits: npt.NDArray[np.float32]
    boxes_xyxy: npt.NDArray[np.float32]
    geometry: Letterbox

    def __post_init__(self) -> None:
        if self.logits.ndim != 3 or self.boxes_xyxy.shape != (len(self.logits), 4):
            raise VisionError(
                f'Mask logits have shape {self.logits.shape} beside boxes of shape '
                f'{self.boxes_xyxy.shape}, expected (n, height, width) and (n, 4).'
            )

    def __len__(self) -> int:
        return len(self.logits)

    def __getitem__(
        self, index: slice | npt.NDArray[np.bool_] | npt.NDArray[np.integer[Any]]
    ) -> InstanceMasks:
        return InstanceMasks(self.logits[index], self.boxes_xyxy[index], self.geometry)

    def full(
        self, position: int, *, size_wh: tuple[int, int] | None = None
    ) -> npt.NDArray[np.bool_]:
        """Return one instance's mask over the whole picture, by default of the source's size."""
        width, height = size_wh or self.geometry.source_wh
        mask = np.zeros((height, width), dtype=np.bool_)
        window, inside = self.window(position, size_wh=(width, height))
        mask[window] = inside
        return mask

    def index_image(self, size_wh: tuple[int, int] | None = None) -> npt.NDArray[np.uint16]:
        """Return position + 1 of the instance at each pixel, 0 where there is none.

        Where instances overlap, the earlier one, that is the one of higher score, is on top.
        """
        if len(self) > MAX_INSTANCES:
            raise VisionError(
                f'{len(self)} instances do not fit an index image of 16 bits, '
                'lower max_detections.'
            )
        width, height = size_wh or self.geometry.source_wh
        image = np.zeros((height, width), dtype=np.uint16)
        for position in reversed(range(len(self))):
            window, inside = self.window(position, size_wh=(width, height))
            image[window][inside] = position + 1
        return image

    def windows(
        self, *, size_wh: tuple[int, int] | None = None
    ) -> Iterator[tuple[tuple[slice, slice], npt.NDArray[np.bool_]]]:
        """Yield each instance's rows and columns, and its mask within them."""
        for position in range(len(self)):
            yield self.window(position, size_wh=size_wh)

    def window(
        self, position: int, *, size_wh: tuple[int, int] | None = None
    ) -> tuple[tuple[slice, slice], npt.NDArray[np.bool_]]:
        """Return the rows and columns of one instance's box, and its mask within them."""
        width, height = size_wh or self.geometry.source_wh
        source_w, source_h = self.geometry.source_wh
        zoom_x, zoom_y = width / source_w, height / source_h
        left, top, right, bottom = self.boxes_xyxy[position].tolist()
        # A pixel belongs to the box when its index does: left <= column < right.
        x1, x2 = (min(max(int(np.ceil(x * zoom_x)), 0), width) for x in (left, right))
        y1, y2 = (min(max(int(np.ceil(y * zoom_y)), 0), height) for y in (top, bottom))
        rows_columns = slice(y1, y2), slice(x1, x2)
        if x1 >= x2 or y1 >= y2:
            return rows_columns, np.zeros((max(y2 - y1, 0), max(x2 - x1, 0)), dtype=np.bool_)
        values = self._enlarged(position, (x1, y1, x2, y2), zoom_xy=(zoom_x, zoom_y))
        return rows_columns, values > 0

    def _enlarged(
        self,
        position: int,
        box_xyxy: tuple[int, int, int, int],
        *,
        zoom_xy: tuple[float, float],
    ) -> npt.NDArray[np.float32]:
        """Sample the logits bilinearly at the centres of the pixels of a box.

        As two products of matrices, over the cells that the box needs: half the time of
        cv2.warpAffine on large boxes, and without its rounding of positions to 1/32 of a cell.
        """
        logits = self.logits[position]
        x1, y1, x2, y2 = box_xyxy
        weights, cells = [], []
        for axis, start, stop, count in (
            (0, x1, x2, logits.shape[1]),
            (1, y1, y2, logits.shape[0]),
        ):
            cell = count / self.geometry.input_wh[axis]  # mask cells per input pixel
            step = self.geometry.scale_xy[axis] / zoom_xy[axis] * cell
            pad = self.geometry.pad_xy[axis] * cell
            at = (np.arange(start, stop) + 0.5) * step + pad - 0.5
            weights_of_axis, cells_of_axis = _bilinear(np.clip(at, 0, count - 1))
            weights.append(weights_of_axis)
            cells.append(cells_of_axis)
        return weights[1] @ logits[cells[1], cells[0]] @ weights[0].T


def _bilinear(at: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float32], slice]:
    """Return weights (n, cells) that sample a row of cells at rising positions, and which cells.

    A position on the last cell has a neighbour of weight 0 beyond it, which is left out.
    """
    lower = at.astype(np.intp)
    first, last = int(lower[0]), int(np.ceil(at[-1]))
    weights = np.zeros((len(at), last - first + 2), dtype=np.float32)
    rows, columns = np.arange(len(at)), lower - first
    weights[rows, columns] = 1 - (at - lower)
    weights[rows, columns + 1] = at - lower
    return weights[:, : last - first + 1], slice(first, last + 1)
