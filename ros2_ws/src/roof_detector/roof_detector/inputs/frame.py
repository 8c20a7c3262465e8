# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One frame on its way from a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.inputs.recorded_image import RecordedPicture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.bags.topics import BagMessage


@dataclass(frozen=True)
class Companion:
    """A message that a bag holds beside a picture: `role` is camera_info, fix, pose..."""

    role: str
    message: BagMessage


@dataclass(frozen=True, eq=False)
class SourceFrame:
    """Hold one picture and its place in the source.

    `index` counts the frames handed out, over all passes of a looped source. `stamp_ns` is the
    time in the source: from 0 for a video or pictures, as recorded for a bag, the wall clock at
    the grab for a live camera. `due_ns` is when to show the frame, counted from the first one;
    None means at once. `companions` are what a bag holds for this frame besides.
    """

    index: int
    stamp_ns: int
    due_ns: int | None
    name: str
    picture: NDArray[np.uint8] | RecordedPicture
    companions: tuple[Companion, ...] = ()

    @property
    def image_bgr(self) -> NDArray[np.uint8]:
        """Return the picture (height, width, 3), of a bag perhaps as a read-only view.

        A recorded picture is decoded at each call; raises SourceError if it is damaged.
        """
        if isinstance(self.picture, RecordedPicture):
            return self.picture.to_bgr()
        return self.picture
