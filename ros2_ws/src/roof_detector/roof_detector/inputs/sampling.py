# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A few pictures that stand for a whole source."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from roof_detector.inputs.errors import SourceError
from roof_detector.inputs.open_source import open_source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.inputs.frame import SourceFrame


def sample_frames(text: str, *, count: int) -> list[NDArray[np.uint8]]:
    """Return up to `count` pictures (height, width, 3) BGR of a video, bag or folder of pictures.

    They lie evenly over the source where it knows its length, else at its beginning. Raises
    SourceError when there is not a single one.
    """
    if count < 1:
        msg = f'{count} pictures were asked for, expected 1 or more.'
        raise SourceError(msg)
    with open_source(text) as source:
        length = source.frame_count
        frames: Iterable[SourceFrame] = source
        if length is not None and length > count:
            wanted = {i * length // count for i in range(count)}
            frames = (frame for i, frame in enumerate(source) if i in wanted)
        pictures = [frame.image_bgr.copy() for frame in islice(frames, count)]
    if not pictures:
        msg = f'{text} has no pictures; give a video, a bag or a folder of pictures.'
        raise SourceError(msg)
    return pictures
