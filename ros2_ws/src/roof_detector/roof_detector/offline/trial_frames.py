# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The images on which a command tries a model."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.open_input import open_input
from roof_detector.simulation.flight.sample_frames import sample_frames as simulated_frames

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.inputs.frame import Frame


def trial_frames(address: str | None, *, count: int) -> list[NDArray[np.uint8]]:
    """Return up to `count` images (height, width, 3) BGR of an input, simulated without one.

    Raises InputError, or SimulationError for a count below 1.
    """
    if address is None:
        return simulated_frames(count)
    return sample_frames(address, count=count)


def sample_frames(text: str, *, count: int) -> list[NDArray[np.uint8]]:
    """Return up to `count` images (height, width, 3) BGR of a video, bag or folder of images.

    They are spread evenly over an input of known length, else they are its first ones. Raises
    InputError if there is not a single image.
    """
    if count < 1:
        msg = f'{count} images were requested, expected 1 or more.'
        raise InputError(msg)
    with open_input(text) as opened:
        length = opened.frame_count
        frames: Iterable[Frame] = opened
        if length is not None and length > count:
            wanted = {i * length // count for i in range(count)}
            frames = (frame for i, frame in enumerate(opened) if i in wanted)
        images = [frame.image_bgr.copy() for frame in islice(frames, count)]
    if not images:
        msg = f'{text} has no images; give a video, a bag or a folder of images.'
        raise InputError(msg)
    return images
