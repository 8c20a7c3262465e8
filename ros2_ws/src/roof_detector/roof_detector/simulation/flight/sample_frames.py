# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A few simulated images for trying a model without real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.simulation.errors import SimulationError
from roof_detector.simulation.flight.flight_config import FlightConfig
from roof_detector.simulation.flight.survey_flight import SurveyFlight
from roof_detector.simulation.world.roof_world import RoofWorld

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SEED = 11


def sample_frames(
    count: int, *, size_wh: tuple[int, int] = (1280, 720)
) -> list[NDArray[np.uint8]]:
    """Return images (height, width, 3) BGR, evenly spaced over one flight, always the same."""
    if count < 1:
        msg = f'{count} images were asked for, expected 1 or more.'
        raise SimulationError(msg)
    world = RoofWorld.generate(seed=_SEED)
    flight = SurveyFlight(world, FlightConfig(size_wh=size_wh), seed=_SEED)
    return [flight[i * len(flight) // count].image_bgr for i in range(count)]
