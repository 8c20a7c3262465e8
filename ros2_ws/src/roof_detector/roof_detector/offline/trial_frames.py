# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The images on which a command tries a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.inputs.sampling import sample_frames
from roof_detector.simulation.flight import sample_frames as simulation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def trial_frames(address: str | None, *, count: int) -> list[NDArray[np.uint8]]:
    """Return up to `count` images (height, width, 3) BGR of an input, simulated without one.

    Raises InputError, or SimulationError for a count below 1.
    """
    if address is None:
        return simulation.sample_frames(count)
    return sample_frames(address, count=count)
