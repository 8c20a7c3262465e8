# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The path of a survey flight, back and forth over the roofs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.pose import CameraPose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.simulation.flight.flight_config import FlightConfig
    from roof_detector.simulation.world.roof_world import RoofWorld


@dataclass(frozen=True, kw_only=True)
class SurveyPath:
    """Corner points (n, 3), the distance flown up to each, and the wobble's phases (5, 3)."""

    corners: NDArray[np.float64]
    mileage: NDArray[np.float64]
    phases: NDArray[np.float64]
    config: FlightConfig

    @classmethod
    def over(cls, world: RoofWorld, config: FlightConfig, rng: np.random.Generator) -> SurveyPath:
        """Return lines over the bounds of all roofs, spaced by the camera's footprint."""
        largest = max(world.buildings, key=lambda b: b.footprint.size[0] * b.footprint.size[1])
        if config.heading_deg is None:
            heading = largest.footprint.yaw
        else:
            heading = float(np.radians(config.heading_deg))
        ahead = np.array([np.cos(heading), np.sin(heading)])
        left = np.array([-ahead[1], ahead[0]])
        points = np.concatenate(
            [_strewn(roof.corners) for building in world.buildings for roof in building.roofs]
        )
        along, across = points @ ahead, points @ left
        swath = config.altitude_m / config.focal_ratio
        spacing = swath * (1 - config.overlap)
        reach = across.max() - across.min()
        lines = max(int(np.ceil(reach / spacing)), 1)
        offsets = (np.arange(lines) + 0.5) / lines * reach + across.min()
        height = float(world.roof_bounds[1, 2])
        eaves = max(building.footprint.height for building in world.buildings)
        level = min(height, eaves + 0.5 * (height - eaves)) + config.altitude_m
        turns: list[list[float]] = []
        for offset in offsets:
            near = np.abs(across - offset) < max(spacing / 2, reach / lines / 2) + 0.5
            if not near.any():
                continue
            ends = [along[near].min(), along[near].max()]
            if len(turns) % 4 == 2:
                ends.reverse()
            turns.extend([*(end * ahead + offset * left), level] for end in ends)
        corners = np.array(turns)
        steps = np.linalg.norm(np.diff(corners, axis=0), axis=1)
        mileage = np.concatenate([[0.0], np.cumsum(steps)])
        return cls(
            corners=corners,
            mileage=mileage,
            phases=rng.uniform(0, 2 * np.pi, (5, 3)),
            config=config,
        )

    @property
    def duration_s(self) -> float:
        """Return how long the flight takes."""
        return float(self.mileage[-1]) / self.config.speed_m_s

    def sway(self, stamp_s: float, channel: int) -> float:
        """Return a smooth pseudo-random swing in -1 to 1 (0 roll, 1 pitch, 2 yaw, 3-4 drift)."""
        periods = np.array([2.3, 5.7, 13.1])
        waves = np.sin(2 * np.pi * stamp_s / periods + self.phases[channel])
        return float(waves @ np.array([0.3, 0.45, 0.25]))

    def pose(self, stamp_s: float) -> CameraPose:
        """Return the camera's pose at a time since the start."""
        config = self.config
        flown = min(stamp_s * config.speed_m_s, float(self.mileage[-1]))
        place = np.array([np.interp(flown, self.mileage, self.corners[:, k]) for k in range(3)])
        place[0] += config.drift_m * self.sway(stamp_s, 3)
        place[1] += config.drift_m * self.sway(stamp_s, 4)
        place[2] += 0.6 * config.drift_m * self.sway(stamp_s + 4.0, 3)
        first = self.corners[1] - self.corners[0]
        # The nose keeps its heading on all lines, as in a mapping flight with locked yaw.
        yaw = float(np.degrees(np.arctan2(first[1], first[0]))) if first[:2].any() else 0.0
        return CameraPose.looking_down(
            place,
            yaw_deg=yaw + 1.5 * config.wobble_deg * self.sway(stamp_s, 2),
            pitch_deg=config.tilt_deg + config.wobble_deg * self.sway(stamp_s, 1),
            roll_deg=config.wobble_deg * self.sway(stamp_s, 0),
        )

    def velocity(self, stamp_s: float) -> NDArray[np.float64]:
        """Return the speed over ground (3,) without the sway."""
        flown = min(stamp_s * self.config.speed_m_s, float(self.mileage[-1]))
        leg = int(
            np.clip(
                np.searchsorted(self.mileage, flown, side='right') - 1, 0, len(self.corners) - 2
            )
        )
        way = self.corners[leg + 1] - self.corners[leg]
        length = max(float(np.linalg.norm(way)), 1e-9)
        return np.asarray(way / length * self.config.speed_m_s)


def _strewn(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places (n, 2) spread over a rectangle, less than a line's spacing apart."""
    a, b, d = corners[0, :2], corners[1, :2], corners[3, :2]
    share = np.linspace(0, 1, 41)
    x, y = np.meshgrid(share, share)
    return np.asarray(a + x.reshape(-1, 1) * (b - a) + y.reshape(-1, 1) * (d - a))
