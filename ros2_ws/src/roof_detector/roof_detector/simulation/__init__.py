# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A procedural roof world, a survey flight over it, and exact ground truth."""

from __future__ import annotations

from roof_detector.simulation.camera.pinhole_camera import PinholeCamera
from roof_detector.simulation.classes import CLASS_NAMES
from roof_detector.simulation.errors import SimulationError
from roof_detector.simulation.flight.flight_config import FlightConfig
from roof_detector.simulation.flight.survey_flight import FlightFrame, SurveyFlight
from roof_detector.simulation.surfaces.surface import ROOF_KINDS
from roof_detector.simulation.world.roof_world import RoofWorld
from roof_detector.simulation.world.world_config import WorldConfig

__all__ = [
    'CLASS_NAMES',
    'ROOF_KINDS',
    'FlightConfig',
    'FlightFrame',
    'PinholeCamera',
    'RoofWorld',
    'SimulationError',
    'SurveyFlight',
    'WorldConfig',
]
