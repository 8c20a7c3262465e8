# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One frame on its way from a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class SourceFrame:
    """Hold one picture (height, width, 3) uint8 and its place in the source.

    `index` counts the frames handed out, over all passes of a looped source. `stamp_ns` is the
    time in the source: from 0 for a video or pictures, as recorded for a bag, the wall clock at
    the grab for a live camera. `due_ns` is when to show the frame, counted from the first one;
    None means at once. Whoever takes the frame owns the array.
    """

    index: int
    stamp_ns: int
    due_ns: int | None
    name: str
    image_bgr: NDArray[np.uint8]

    @property
    def size_wh(self) -> tuple[int, int]:
        """Return (width, height) in pixels."""
        height, width = self.image_bgr.shape[:2]
        return width, height
