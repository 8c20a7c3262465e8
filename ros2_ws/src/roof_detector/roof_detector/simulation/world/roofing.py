# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The planes of flat and gabled roofs and the walls below them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.simulation.surfaces.canvas import Canvas, Colour
from roof_detector.simulation.surfaces.surface import PITCHED_KINDS
from roof_detector.simulation.surfaces.swatch import FloatImage, swatch
from roof_detector.simulation.world.facet import Facet, Plane3, facet_from_uv
from roof_detector.simulation.world.solid import UP, axes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.simulation.world.maker import Maker

WALL_METRES_PER_PX = 0.04


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """A rectangular building: its centre, size along and across yaw, height and covering."""

    centre_xy: tuple[float, float]
    size: tuple[float, float]
    yaw: float
    height: float
    kind: str
    pitch: float

    @property
    def flat(self) -> bool:
        """Return whether the roof has no ridge."""
        return self.pitch == 0

    @property
    def top(self) -> NDArray[np.float64]:
        """Return the middle of the eaves' plane."""
        return np.array([*self.centre_xy, self.height])

    def corners(self, z: float) -> NDArray[np.float64]:
        """Return the four corners (4, 3) at a height."""
        ahead, left = axes_of(self.yaw)
        length, width = self.size
        middle = np.array([*self.centre_xy, z])
        signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        return np.stack([middle + a * length / 2 * ahead + b * width / 2 * left for a, b in signs])

    def distance_to(self, spot_xy: NDArray[np.float64]) -> float:
        """Return the distance of a point from the walls, 0 inside."""
        offset = spot_xy - np.asarray(self.centre_xy)
        cosine, sine = np.cos(self.yaw), np.sin(self.yaw)
        along = abs(offset[0] * cosine + offset[1] * sine) - self.size[0] / 2
        across = abs(offset[1] * cosine - offset[0] * sine) - self.size[1] / 2
        return float(np.hypot(max(along, 0.0), max(across, 0.0)))

    @classmethod
    def pitch_for(cls, kind: str, rng: np.random.Generator) -> float:
        """Return a random slope in radians: none for flat kinds, slight for metal."""
        if kind not in PITCHED_KINDS:
            return 0.0
        low, high = (3, 18) if kind == 'metal' else (15, 30)
        return float(np.radians(rng.uniform(low, high)))


@dataclass(frozen=True)
class RoofSection:
    """One plane of a roof and the canvas that covers it."""

    plane: Plane3
    canvas: Canvas

    @property
    def corners_uv(self) -> NDArray[np.float64]:
        """Return the section's rectangle (4, 2) in metres."""
        width, height = self.canvas.size_uv_m
        return np.array([[0, 0], [width, 0], [width, height], [0, height]])


def roof_sections(footprint: Footprint, *, metres_per_px: float) -> tuple[RoofSection, ...]:
    """Return one flat section, or two that slope from a ridge along the building's length."""
    ahead, left = axes_of(footprint.yaw)
    length, width = footprint.size
    if footprint.flat:
        origin = footprint.top - length / 2 * ahead + width / 2 * left
        return (
            RoofSection(
                Plane3(origin, ahead, -left), Canvas((length, width), metres_per_px=metres_per_px)
            ),
        )
    cosine, sine = np.cos(footprint.pitch), np.sin(footprint.pitch)
    overhang = 0.3
    slope = width / 2 / cosine + overhang
    ridge = footprint.top + width / 2 * np.tan(footprint.pitch) * UP
    reach = length / 2 + overhang
    out = []
    for direction in (1.0, -1.0):
        along = direction * ahead
        fall = -direction * left * cosine - UP * sine
        canvas = Canvas((2 * reach, slope), metres_per_px=metres_per_px)
        out.append(RoofSection(Plane3(ridge - reach * along, along, fall), canvas))
    return tuple(out)


def walls(footprint: Footprint, make: Maker) -> tuple[Facet, ...]:
    """Build the four walls, with gables where the roof has a ridge."""
    rng = make.rng
    level = rng.uniform(110, 215)
    colour: Colour = (level * rng.uniform(0.7, 1.0), level * 0.95, level)
    rise = footprint.size[1] / 2 * np.tan(footprint.pitch)
    high = footprint.corners(footprint.height)
    out = []
    for i in range(4):
        j = (i + 1) % 4
        along = high[j] - high[i]
        span = float(np.linalg.norm(along))
        along = along / span
        gable = rise if i % 2 == 1 else 0.0
        tall = footprint.height + gable
        plane = Plane3(high[i] + gable * UP, along, -UP)
        outline = [[0, gable], [span, gable], [span, tall], [0, tall]]
        if gable > 0:
            outline.insert(1, [span / 2, 0])
        texture = swatch(
            (span, tall),
            colour,
            rng,
            gain=make.light.gain(plane.normal),
            dirt=0.35,
            decorations=(_windows,),
            metres_per_px=WALL_METRES_PER_PX,
        )
        out.append(facet_from_uv(plane, outline, texture))
    return tuple(out)


def _windows(pixels: FloatImage, metres_per_px: float, rng: np.random.Generator) -> None:
    height, width = pixels.shape[:2]
    pitch, tall, wide = rng.uniform(2.2, 4.0), rng.uniform(1.0, 1.6), rng.uniform(0.8, 1.8)
    for x in np.arange(0.8, width * metres_per_px - wide, pitch):
        for y in np.arange(0.9, height * metres_per_px - tall, 3.0):
            first = (int(x / metres_per_px), int(y / metres_per_px))
            last = (int((x + wide) / metres_per_px), int((y + tall) / metres_per_px))
            cv2.rectangle(pixels, first, last, (70, 62, 55), -1)
            cv2.rectangle(pixels, first, last, (190, 190, 190), 1)
