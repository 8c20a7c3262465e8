# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A window of a raster, which is read when its turn comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.inputs.raster_file import RasterFile


@dataclass(frozen=True, eq=False)
class RasterTile:
    """A window of a raster, shown in `out_wh` pixels.

    `window_xywh` is its left, top, width and height in pixels of the raster.
    """

    raster: RasterFile
    window_xywh: tuple[int, int, int, int]
    out_wh: tuple[int, int]

    @property
    def source_wh(self) -> tuple[int, int]:
        """Return the size of the window in pixels of the raster."""
        return self.window_xywh[2:]

    def read(self) -> NDArray[np.uint8] | None:
        """Return the pixels (height, width, 3) BGR; None where there is nothing to see."""
        return self.raster.read_tile(self.window_xywh, self.out_wh)
