# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The parameters of the simulated_flight node."""

from __future__ import annotations

from typing import Any

from roof_detector.ros.camera.stream_parameters import STREAM_PARAMETERS
from roof_detector.ros.common.parameters import Parameter, ParameterTable
from roof_detector.simulation import FlightConfig

_FLIGHT = FlightConfig()

SIMULATED_FLIGHT_TABLE = ParameterTable(
    Parameter(
        'seed',
        1,
        'Seed of the world and the flight over it; the same seed gives the same frames.',
        minimum=0,
        maximum=2**31 - 1,
    ),
    Parameter('frames', 0, 'Frames to fly; 0 for the whole survey.', minimum=0, maximum=1_000_000),
    Parameter('loop', default=False, description='Repeat the same survey at its end.'),
    Parameter('rate_hz', _FLIGHT.rate_hz, 'Frames per second.', minimum=0.1, maximum=120.0),
    Parameter(
        'width',
        _FLIGHT.size_wh[0],
        'Width of the image in pixels.',
        minimum=32,
        maximum=8192,
        unit='px',
    ),
    Parameter(
        'height',
        _FLIGHT.size_wh[1],
        'Height of the image in pixels.',
        minimum=32,
        maximum=8192,
        unit='px',
    ),
    Parameter(
        'altitude_m',
        _FLIGHT.altitude_m,
        "Height above the highest roof's eaves in metres.",
        minimum=2.0,
        maximum=500.0,
    ),
    Parameter(
        'speed_m_s', _FLIGHT.speed_m_s, 'Speed in metres per second.', minimum=0.1, maximum=50.0
    ),
    Parameter(
        'tilt_deg',
        _FLIGHT.tilt_deg,
        'Forward tilt of the camera; 0 looks straight down.',
        minimum=0.0,
        maximum=40.0,
    ),
    Parameter(
        'wobble_deg',
        _FLIGHT.wobble_deg,
        'Sway of the camera in degrees.',
        minimum=0.0,
        maximum=20.0,
    ),
    Parameter('map_frame_id', 'map', 'Frame of the poses: x east, y north, z up.'),
    *STREAM_PARAMETERS,
)


def flight_config(values: dict[str, Any]) -> FlightConfig:
    """Return the flight configuration of parameter values; raise SimulationError."""
    return FlightConfig(
        size_wh=(values['width'], values['height']),
        rate_hz=values['rate_hz'],
        altitude_m=values['altitude_m'],
        speed_m_s=values['speed_m_s'],
        tilt_deg=values['tilt_deg'],
        wobble_deg=values['wobble_deg'],
    )
