# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Instance masks that were recorded: the pixels of each box, in the image's resolution."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.vision.errors import VisionError
from roof_detector.vision.masks import Masks, pixel_window
from roof_detector.vision.run_lengths import (
    check_run_lengths,
    coco_run_lengths,
    mask_of_run_lengths,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from roof_detector.vision.masks import Index


@dataclass(frozen=True)
class MaskCrop:
    """A mask's window in its image: the corner, the size, and COCO's run lengths within it."""

    corner_xy: tuple[int, int]
    size_wh: tuple[int, int]
    counts: str

    @classmethod
    def of(cls, window: tuple[slice, slice], inside: npt.NDArray[np.bool_]) -> MaskCrop:
        """Return the crop of a mask within a window of rows and columns."""
        height, width = inside.shape
        whole = slice(0, height), slice(0, width)
        counts = str(coco_run_lengths(whole, inside, size_wh=(width, height))['counts'])
        return cls((window[1].start, window[0].start), (width, height), counts)

    def check(self, image_wh: tuple[int, int]) -> None:
        """Raise VisionError where it is not the crop of a mask of an image of this size."""
        for corner, size, whole in zip(self.corner_xy, self.size_wh, image_wh, strict=True):
            if corner < 0 or size < 0 or corner + size > whole:
                msg = (
                    f'A mask is at {self.corner_xy} and {self.size_wh} large, which is not inside '
                    f'an image of {image_wh} pixels.'
                )
                raise VisionError(msg)
        check_run_lengths(self.counts, size_wh=self.size_wh)

    def pixels(self) -> npt.NDArray[np.bool_]:
        """Return the mask (height, width) within the window."""
        return mask_of_run_lengths(self.counts, size_wh=self.size_wh)

    def moved(self, by_xy: tuple[int, int]) -> MaskCrop:
        """Return the same mask elsewhere in an image."""
        return replace(
            self, corner_xy=(self.corner_xy[0] + by_xy[0], self.corner_xy[1] + by_xy[1])
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class RecordedMasks(Masks):
    """The recorded masks of an image, `crops` (n) with the boxes (n, 4) that they belong to."""

    crops: tuple[MaskCrop, ...]
    boxes_xyxy: npt.NDArray[np.float32]
    image_wh: tuple[int, int]

    def __post_init__(self) -> None:
        if self.boxes_xyxy.shape != (len(self.crops), 4):
            msg = f'{len(self.crops)} masks for boxes of shape {self.boxes_xyxy.shape}.'
            raise VisionError(msg)

    @property
    def source_wh(self) -> tuple[int, int]:
        """Return the image's width and height."""
        return self.image_wh

    def __getitem__(self, index: Index) -> RecordedMasks:
        chosen = np.arange(len(self))[index]
        return replace(
            self, crops=tuple(self.crops[i] for i in chosen), boxes_xyxy=self.boxes_xyxy[index]
        )

    def placed(
        self,
        boxes_xyxy: npt.NDArray[np.float32],
        *,
        origin_xy: tuple[int, int],
        image_wh: tuple[int, int],
    ) -> RecordedMasks:
        """Return the same masks as part of a larger image, with the boxes that they have there."""
        crops = tuple(crop.moved(origin_xy) for crop in self.crops)
        return RecordedMasks(crops=crops, boxes_xyxy=boxes_xyxy, image_wh=image_wh)

    def window(
        self, position: int, *, size_wh: tuple[int, int] | None = None
    ) -> tuple[tuple[slice, slice], npt.NDArray[np.bool_]]:
        """Return the rows and columns of one instance's box, and its mask within them."""
        size_wh = size_wh or self.image_wh
        rows, columns = pixel_window(
            self.boxes_xyxy[position], source_wh=self.image_wh, size_wh=size_wh
        )
        crop = self.crops[position]
        y = _cells(rows, crop.corner_xy[1], zoom=self.image_wh[1] / size_wh[1])
        x = _cells(columns, crop.corner_xy[0], zoom=self.image_wh[0] / size_wh[0])
        width, height = crop.size_wh
        inside = np.zeros((len(y), len(x)), np.bool_)
        # A box may have moved by a rounding since: what the crop does not hold is outside.
        kept_y, kept_x = (y >= 0) & (y < height), (x >= 0) & (x < width)
        inside[np.ix_(kept_y, kept_x)] = crop.pixels()[np.ix_(y[kept_y], x[kept_x])]
        return (rows, columns), inside


def _cells(pixels: slice, corner: int, *, zoom: float) -> npt.NDArray[np.int64]:
    """Return the pixel of a crop at the centre of each pixel of a drawing."""
    centres = (np.arange(pixels.start, pixels.stop) + 0.5) * zoom
    return np.floor(centres).astype(np.int64) - corner
