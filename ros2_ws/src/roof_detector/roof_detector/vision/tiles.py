# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The division of a large frame into overlapping tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from roof_detector.vision.errors import VisionError, ZeroSize

MAX_OVERLAP = 0.5
MOST_REDUCED = 4.0
"""A network's pixel may stand for so many of a frame before its small objects vanish: at 4, what
has 32 pixels of the frame covers one cell of the finest level of its heads."""


@dataclass(frozen=True)
class Tiling:
    """The size of tiles in pixels of the frame, and the share of a tile that overlaps.

    A `size` of 0 stands for the network's own input, which then sees every pixel of the frame.
    With `only_reduced`, frames have tiles only if the network sees them smaller than by
    `MOST_REDUCED`, and tiles are so large that they are reduced by just that.
    """

    size: int = 0
    overlap: float = 0.2
    only_reduced: bool = False

    def __post_init__(self) -> None:
        if self.size < 0:
            msg = f'tile_size is {self.size}, expected pixels, or 0 for the network.'
            raise VisionError(msg)
        if not 0.0 <= self.overlap <= MAX_OVERLAP:  # also refuses NaN
            msg = (
                f'tile_overlap is {self.overlap}, expected a part of the tile from 0 to '
                f'{MAX_OVERLAP:g}.'
            )
            raise VisionError(msg)

    def grid(self, source_wh: tuple[int, int], *, input_wh: tuple[int, int]) -> TileGrid:
        """Return the tiles of a frame of this size for a network of this input."""
        if self.only_reduced and all(
            source <= MOST_REDUCED * side for source, side in zip(source_wh, input_wh, strict=True)
        ):
            return TileGrid(source_wh, source_wh, ())
        return TileGrid.fit(source_wh, tile_wh=self.tile_wh(input_wh), overlap=self.overlap)

    def tile_wh(self, input_wh: tuple[int, int]) -> tuple[int, int]:
        """Return the size of tiles for a network of this input."""
        if self.size:
            return self.size, self.size
        if self.only_reduced:
            return int(MOST_REDUCED * input_wh[0]), int(MOST_REDUCED * input_wh[1])
        return input_wh


@dataclass(frozen=True)
class TileGrid:
    """The tiles of a frame, row by row from its upper left corner.

    `corners_xy` are the upper left corners of tiles that all have the size `tile_wh`. They are the
    fewest that overlap enough; the last tile of a row or column is moved back into the frame. A
    frame that fits into one tile has none: seeing it whole is enough.
    """

    source_wh: tuple[int, int]
    tile_wh: tuple[int, int]
    corners_xy: tuple[tuple[int, int], ...]

    @classmethod
    def fit(
        cls, source_wh: tuple[int, int], *, tile_wh: tuple[int, int], overlap: float
    ) -> TileGrid:
        """Return the tiles of a frame whose neighbours share at least `overlap` of a tile."""
        if min(*source_wh, *tile_wh) < 1:
            msg = (
                f'A frame of {source_wh[0]}x{source_wh[1]} pixels cannot be cut into tiles of '
                f'{tile_wh[0]}x{tile_wh[1]}, expected at least 1x1 of each.'
            )
            raise ZeroSize(msg)
        width, height = (min(tile, side) for tile, side in zip(tile_wh, source_wh, strict=True))
        columns = _starts(source_wh[0], width, overlap)
        rows = _starts(source_wh[1], height, overlap)
        corners = tuple((x, y) for y in rows for x in columns)
        return cls(source_wh, (width, height), corners if len(corners) > 1 else ())

    def __len__(self) -> int:
        return len(self.corners_xy)

    def crop(self, image_bgr: npt.NDArray[np.uint8], position: int) -> npt.NDArray[np.uint8]:
        """Return a tile as a view of the frame's pixels."""
        height, width = image_bgr.shape[:2]
        if (width, height) != self.source_wh:
            msg = (
                f'The image is {width}x{height} pixels, expected {self.source_wh[0]}x'
                f'{self.source_wh[1]} like the frame that the tiles were made for.'
            )
            raise VisionError(msg)
        x, y = self.corners_xy[position]
        return image_bgr[y : y + self.tile_wh[1], x : x + self.tile_wh[0]]

    def tile_xyxy(self, position: int) -> npt.NDArray[np.float32]:
        """Return where a tile lies: left, top, right, bottom in pixels of the frame."""
        (x, y), (width, height) = self.corners_xy[position], self.tile_wh
        return np.array((x, y, x + width, y + height), np.float32)


def _starts(side: int, tile: int, overlap: float) -> tuple[int, ...]:
    """Return the positions of tiles along one side, evenly spaced except for the last one."""
    step = max(tile - int(np.ceil(tile * overlap)), 1)
    inner = range(0, side - tile, step)
    return (*inner, side - tile)
