# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The settings of a simulated survey flight and its camera."""

from __future__ import annotations

from dataclasses import dataclass

from roof_detector.simulation.errors import SimulationError


@dataclass(frozen=True, kw_only=True)
class FlightConfig:
    """A survey flight's settings; the origin is the place of the world's centre on Earth."""

    size_wh: tuple[int, int] = (1280, 720)
    focal_ratio: float = 0.8
    """Focal length over the image's width; 0.8 is the 64 degrees of common drone cameras."""
    rate_hz: float = 10.0
    altitude_m: float = 12.0
    """Height above the highest roof's eaves."""
    speed_m_s: float = 4.0
    overlap: float = 0.3
    tilt_deg: float = 0.0
    """Forward tilt of the camera; 0 looks straight down."""
    heading_deg: float | None = None
    """Direction of the lines, east 0, north 90; None follows the largest building."""
    wobble_deg: float = 1.5
    drift_m: float = 0.3
    motion_blur_s: float = 0.004
    defocus_px: float = 0.6
    noise: float = 2.5
    exposure_swing: float = 0.12
    contrast: float = 1.1
    vignetting: float = 0.25
    """Darkening of the corners, 0 to 0.9."""
    white_balance: float = 0.025
    """Spread of the colour channels' gains, drawn once a flight, 0 to 0.3."""
    haze: float = 0.0
    """Share of sky light that the air adds, 0 to 0.8."""
    chromatic_px: float = 0.0
    """By how much red and blue part at the corners, 0 to 4 pixels."""
    distortion: float = 0.0
    """Radial lens distortion k1 at the corners, -0.3 (barrel) to 0.3 (pincushion).

    Masks and boxes are bent with the image; `camera` and places stay those of the ideal lens.
    """
    rolling_shutter_px: float = 0.0
    """How far the image moves sideways while its rows are read, 0 to 40; labels move along."""
    jpeg_quality: int | None = 88
    latitude_deg: float = 47.3769
    longitude_deg: float = 8.5417
    altitude_origin_m: float = 408.0

    def __post_init__(self) -> None:
        if min(self.size_wh) < 32:
            msg = f'size_wh is {self.size_wh}; give at least 32x32 pixels.'
            raise SimulationError(msg)
        positive = ('focal_ratio', 'rate_hz', 'altitude_m', 'speed_m_s', 'contrast')
        for name in positive:
            if not getattr(self, name) > 0:
                msg = f'{name} is {getattr(self, name)}; give a number above 0.'
                raise SimulationError(msg)
        for name in ('wobble_deg', 'drift_m', 'motion_blur_s', 'defocus_px', 'noise'):
            if not getattr(self, name) >= 0:
                msg = f'{name} is {getattr(self, name)}; give 0 or more.'
                raise SimulationError(msg)
        for name, low, high in (
            ('overlap', 0, 0.95),
            ('exposure_swing', 0, 0.9),
            ('vignetting', 0, 0.9),
            ('white_balance', 0, 0.3),
            ('haze', 0, 0.8),
            ('chromatic_px', 0, 4),
            ('distortion', -0.3, 0.3),
            ('rolling_shutter_px', 0, 40),
        ):
            if not low <= getattr(self, name) <= high:
                msg = f'{name} is {getattr(self, name)}; give {low} to {high}.'
                raise SimulationError(msg)
        if not 0 <= self.tilt_deg <= 40:
            msg = f'tilt_deg is {self.tilt_deg}; give 0 to 40, the world has no horizon.'
            raise SimulationError(msg)
        if self.jpeg_quality is not None and not 5 <= self.jpeg_quality <= 100:
            msg = f'jpeg_quality is {self.jpeg_quality}; give 5 to 100, or None for no JPEG.'
            raise SimulationError(msg)
