# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Instance masks: the pixels that each object covers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roof_detector.vision.letterbox import Letterbox

Index = slice | npt.NDArray[np.bool_] | npt.NDArray[np.integer[Any]]
MAX_INSTANCES = np.iinfo(np.uint16).max


class Masks(ABC):
    """Instance masks of an image, each within its box, enlarged only on demand.

    `boxes_xyxy` (n, 4) float32 in pixels of the image.
    """

    boxes_xyxy: npt.NDArray[np.float32]

    @property
    @abstractmethod
    def source_wh(self) -> tuple[int, int]:
        """Return the image's width and height."""

    @abstractmethod
    def __getitem__(self, index: Index) -> Masks:
        """Return a selection of the masks."""

    @abstractmethod
    def window(
        self, position: int, *, size_wh: tuple[int, int] | None = None
    ) -> tuple[tuple[slice, slice], npt.NDArray[np.bool_]]:
        """Return the rows and columns of one instance's box, and its mask within them."""

    def __len__(self) -> int:
        return len(self.boxes_xyxy)

    def full(
        self, position: int, *, size_wh: tuple[int, int] | None = None
    ) -> npt.NDArray[np.bool_]:
        """Return one instance's mask over the whole image, by default of the source's size."""
        width, height = size_wh or self.source_wh
        mask = np.zeros((height, width), dtype=np.bool_)
        window, inside = self.window(position, size_wh=(width, height))
        mask[window] = inside
        return mask

    def index_image(self, size_wh: tuple[int, int] | None = None) -> npt.NDArray[np.uint16]:
        """Return position + 1 of the instance at each pixel, 0 without one.

        Where instances overlap, the earlier one, of higher confidence, is on top.
        """
        if len(self) > MAX_INSTANCES:
            msg = (
                f'{len(self)} instances do not fit an index image of 16 bits, '
                'lower max_detections.'
            )
            raise VisionError(msg)
        width, height = size_wh or self.source_wh
        image = np.zeros((height, width), dtype=np.uint16)
        for position in reversed(range(len(self))):
            window, inside = self.window(position, size_wh=(width, height))
            np.copyto(image[window], np.uint16(position + 1), where=inside)
        return image

    def windows(
        self, *, size_wh: tuple[int, int] | None = None
    ) -> Iterator[tuple[tuple[slice, slice], npt.NDArray[np.bool_]]]:
        """Yield each instance's rows and columns, and its mask within them."""
        for position in range(len(self)):
            yield self.window(position, size_wh=size_wh)


@dataclass(frozen=True, eq=False, kw_only=True)
class InstanceMasks(Masks):
    """Instance masks as small as the network gave them, enlarged only on demand.

    `logits` (n, mask height, mask width) float32 over the whole network input; a pixel belongs to
    the instance if it is above 0 and within the box; `boxes_xyxy` (n, 4) float32 in source pixels;
    `geometry` is the letterbox of the source image. If the network saw only a part of a larger
    image, `origin_xy` is that part's corner there, and `image_wh` and boxes are those of the
    larger one.
    """

    logits: npt.NDArray[np.float32]
    boxes_xyxy: npt.NDArray[np.float32]
    geometry: Letterbox
    origin_xy: tuple[int, int] = (0, 0)
    image_wh: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.logits.ndim != 3 or self.boxes_xyxy.shape != (len(self.logits), 4):
            msg = (
                f'Mask logits have shape {self.logits.shape} beside boxes of shape '
                f'{self.boxes_xyxy.shape}, expected (n, height, width) and (n, 4).'
            )
            raise VisionError(msg)

    @property
    def source_wh(self) -> tuple[int, int]:
        """Return the image's width and height."""
        return self.image_wh or self.geometry.source_wh

    def __getitem__(self, index: Index) -> InstanceMasks:
        return replace(self, logits=self.logits[index], boxes_xyxy=self.boxes_xyxy[index])

    def placed(
        self,
        boxes_xyxy: npt.NDArray[np.float32],
        *,
        origin_xy: tuple[int, int],
        image_wh: tuple[int, int],
    ) -> InstanceMasks:
        """Return the same masks as part of a larger image, with the boxes that they have there."""
        return replace(self, boxes_xyxy=boxes_xyxy, origin_xy=origin_xy, image_wh=image_wh)

    def window(
        self, position: int, *, size_wh: tuple[int, int] | None = None
    ) -> tuple[tuple[slice, slice], npt.NDArray[np.bool_]]:
        """Return the rows and columns of one instance's box, and its mask within them."""
        size_wh = size_wh or self.source_wh
        rows, columns = pixel_window(
            self.boxes_xyxy[position], source_wh=self.source_wh, size_wh=size_wh
        )
        if rows.start == rows.stop or columns.start == columns.stop:
            shape = rows.stop - rows.start, columns.stop - columns.start
            return (rows, columns), np.zeros(shape, dtype=np.bool_)
        return (rows, columns), self._enlarged(position, rows, columns, size_wh=size_wh) > 0

    def _enlarged(
        self, position: int, rows: slice, columns: slice, *, size_wh: tuple[int, int]
    ) -> npt.NDArray[np.float32]:
        """Sample the logits bilinearly at the centres of the pixels of a box.

        The few cells are sampled across first, then whole rows are mixed: half the time of
        cv2.warpAffine on large boxes, without its rounding of positions to 1/32 of a cell, and
        without matrix products, for which NumPy starts threads that compete with the network.
        """
        x, share_x = self._cells(0, columns, size_wh=size_wh)
        y, share_y = self._cells(1, rows, size_wh=size_wh)
        cells = self.logits[position, y[0] : y[-1] + 2]
        across = cells[:, x]
        across += (cells[:, x + 1] - across) * share_x
        below = y - y[0]
        values = across[below]
        values += np.diff(across, axis=0)[below] * share_y[:, None]
        return values

    def _cells(
        self, axis: int, pixels: slice, *, size_wh: tuple[int, int]
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
        """Return the cell before the centre of each pixel, and the share of the one after it."""
        count = self.logits.shape[2 - axis]
        cell = count / self.geometry.input_wh[axis]  # mask cells per input pixel
        scale = self.geometry.scale_xy[axis] * cell
        step = scale * self.source_wh[axis] / size_wh[axis]
        pad = self.geometry.pad_xy[axis] * cell - self.origin_xy[axis] * scale
        at = (np.arange(pixels.start, pixels.stop) + 0.5) * step + pad - 0.5
        at = np.clip(at, 0, count - 1)
        before = np.minimum(at.astype(np.intp), count - 2)
        return before, (at - before).astype(np.float32)


def pixel_window(
    box_xyxy: npt.NDArray[np.float32], *, source_wh: tuple[int, int], size_wh: tuple[int, int]
) -> tuple[slice, slice]:
    """Return the rows and columns of a box's pixels, in the image drawn at another size.

    A pixel belongs to the box if its index does: left <= column < right.
    """
    zoom_x, zoom_y = np.divide(size_wh, source_wh).tolist()
    x1, y1, x2, y2 = box_xyxy.tolist()
    left, right = (min(max(ceil(x * zoom_x), 0), size_wh[0]) for x in (x1, x2))
    top, bottom = (min(max(ceil(y * zoom_y), 0), size_wh[1]) for y in (y1, y2))
    return slice(top, bottom), slice(left, right)
