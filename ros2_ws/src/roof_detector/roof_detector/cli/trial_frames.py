# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The pictures on which a command tries a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.simulation import sample_frames as simulation
from roof_detector.sources.sampling import sample_frames

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def trial_frames(footage: str | None, *, count: int) -> list[NDArray[np.uint8]]:
    """Return up to `count` pictures (height, width, 3) BGR of a footage, simulated without one.

    Raises SourceError, or SimulationError for a count below 1.
    """
    if footage is None:
        return simulation.sample_frames(count)
    return sample_frames(footage, count=count)
