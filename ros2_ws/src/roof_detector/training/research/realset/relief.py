# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Grates and covers of metal drawn into a photograph of a surface, lit by one sun."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from training.dataset.instance import Floats
    from training.research.realset.grates import Plane, Shape
    from training.research.realset.photo import Image

DIRTY = 0.35  # lengths around a grate on which its mortar and dirt lie
_MOST_SUPERSAMPLED_PX = 1100
# Metals in BGR as a photograph of mean grey 105 shows them in the sun: fresh and worn iron, rust,
# zinc, steel, black and grey plastic, concrete.
_METALS = (
    *((62, 66, 70), (88, 92, 95), (105, 106, 106), (52, 66, 92), (64, 78, 100), (74, 80, 86)),
    *((148, 149, 146), (168, 168, 166), (40, 40, 42), (112, 114, 114), (128, 136, 140)),
)
_RUST_BGR = ((44, 60, 92), (50, 74, 116), (38, 50, 74), (46, 78, 132))


@dataclass(frozen=True, kw_only=True)
class Pose:
    """A plane as a camera sees it: `half_px` is a length of 1 at its centre, angles in radians.

    `tilt` is between the plane and the image, `distance` that of the camera in lengths.
    """

    centre_xy: tuple[float, float]
    half_px: float
    turn: float
    tilt: float = 0.0
    distance: float = 6.0

    def matrix(self) -> Floats:
        """Return the homography (3, 3) from the plane to pixels."""
        c, s = np.cos(self.turn), np.sin(self.turn)
        x, y = self.centre_xy
        far = np.sin(self.tilt) / self.distance
        turned = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
        seen = np.array(
            [
                [self.half_px, -x * far, x],
                [0, self.half_px * np.cos(self.tilt) - y * far, y],
                [0, -far, 1],
            ]
        )
        return np.asarray(seen @ turned)

    def pixels(self, points: Floats) -> Floats:
        """Return where points (n, 2) of the plane are seen."""
        homogeneous = np.concatenate([points, np.ones((len(points), 1))], axis=1)
        seen = homogeneous @ self.matrix().T
        return np.asarray(seen[:, :2] / seen[:, 2:])

    def plane(self, x1: int, y1: int, size_wh: tuple[int, int], fine: int) -> tuple[Plane, Plane]:
        """Return u and v of every pixel of a window, `fine` samples to a pixel and direction."""
        inverse = np.linalg.inv(self.matrix())
        x = (x1 + (np.arange(size_wh[0] * fine) + 0.5) / fine)[None]
        y = (y1 + (np.arange(size_wh[1] * fine) + 0.5) / fine)[:, None]
        u, v, w = (row[0] * x + row[1] * y + row[2] for row in inverse)
        return (u / w).astype(np.float32), (v / w).astype(np.float32)

    def away(self) -> tuple[float, float]:
        """Return how far, in the plane, a look into it moves for a depth of 1."""
        slope = np.tan(self.tilt)
        return -slope * float(np.sin(self.turn)), -slope * float(np.cos(self.turn))


@dataclass(frozen=True, kw_only=True)
class DrawnLight:
    """One sun: the direction in the image it comes from, its height, its share of the light."""

    azimuth: float
    elevation: float
    sun: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> DrawnLight:
        """Return a sun, or an overcast sky."""
        return cls(
            azimuth=rng.uniform(0, 2 * np.pi),
            elevation=np.deg2rad(rng.uniform(25, 70)),
            sun=float(rng.choice([rng.uniform(0.05, 0.25), rng.uniform(0.4, 0.8)])),
        )

    def across(self, pose: Pose) -> tuple[float, float]:
        """Return where the sun is in a plane, times the length of shadows of a height of 1."""
        angle = self.azimuth - pose.turn
        length = 1 / np.tan(self.elevation)
        return length * float(np.cos(angle)), length * float(np.sin(angle))


def lay(
    image_bgr: Image, shape: Shape, pose: Pose, light: DrawnLight, rng: np.random.Generator
) -> Floats | None:
    """Draw a shape into an image, in place; return the box of what is seen, None of nothing."""
    window = _window(pose.pixels(shape.points()), image_bgr, margin=DIRTY * pose.half_px)
    if window is None:
        return None
    x1, y1, x2, y2 = window
    size_wh = (x2 - x1, y2 - y1)
    fine = int(np.clip(_MOST_SUPERSAMPLED_PX // max(size_wh), 1, 5))
    place = image_bgr[y1:y2, x1:x2]
    u, v = pose.plane(x1, y1, size_wh, fine)
    edge = np.float32(1 / (pose.half_px * fine))
    outline = shape.outline(u, v)
    cover = np.clip(0.5 - outline / edge, 0, 1)
    seen = _reduced(cover, size_wh)
    rows, columns = np.nonzero(seen > 0.4)
    if not len(rows):
        return None
    ground = _embedded(place, _reduced(outline, size_wh), rng)
    colours = _lit(shape, pose, light, at=(u, v), ground=ground, rng=rng) * cover[..., None]
    drawn = _as_sharp_as(place, _reduced(colours, size_wh), seen, rng)
    mixed = ground * (1 - seen[..., None]) + drawn
    image_bgr[y1:y2, x1:x2] = np.clip(mixed, 0, 255).astype(np.uint8)
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    return np.array(box, dtype=np.float64) + np.array([x1, y1, x1, y1])


def cloud(shape: tuple[int, ...], grain_px: float, rng: np.random.Generator) -> Plane:
    """Return smooth noise of unit variance with spots of some size, in two octaves."""
    total = np.zeros(shape[:2], np.float32)
    for weight, grain in ((0.8, grain_px), (0.6, grain_px / 3)):
        grid = [max(int(side / max(grain, 1)) + 3, 3) for side in shape[:2]]
        noise = rng.normal(0, 1.5, grid).astype(np.float32)
        total += weight * cv2.resize(noise, shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return total


def _reduced(fine: Plane, size_wh: tuple[int, int]) -> Plane:
    reduced = cv2.resize(fine, size_wh, interpolation=cv2.INTER_AREA)
    return np.asarray(reduced, dtype=np.float32)


def _window(
    points: Floats, image_bgr: Image, *, margin: float
) -> tuple[int, int, int, int] | None:
    high, wide = image_bgr.shape[:2]
    low, top = np.floor(points.min(axis=0) - margin - 2), np.ceil(points.max(axis=0) + margin + 2)
    x1, y1 = np.clip(low, 0, (wide, high)).astype(int)
    x2, y2 = np.clip(top, 0, (wide, high)).astype(int)
    return (int(x1), int(y1), int(x2), int(y2)) if min(x2 - x1, y2 - y1) > 3 else None


def _embedded(place: Image, outline: Plane, rng: np.random.Generator) -> Plane:
    """Return the surface with the seam, the collar of mortar and the dirt around a frame."""
    ground = place.astype(np.float32)
    dirt = np.exp(-np.maximum(outline, 0) / rng.uniform(0.05, 0.3))
    uneven = np.clip(0.6 + 0.4 * cloud(outline.shape, max(outline.shape) / 6, rng), 0, 1.4)
    darker = rng.uniform(-0.12, 0.35)
    if rng.random() < 0.3:  # mortar or a ring of concrete
        collar = rng.uniform(0.06, 0.3)
        ring = np.clip(0.5 - (outline - collar) * outline.shape[0] / 6, 0, 1)[..., None]
        smooth = cv2.GaussianBlur(ground, (0, 0), 1.5)
        ground = ground * (1 - ring) + (smooth * rng.uniform(0.75, 1.35)) * ring
    ground *= (1 - darker * np.clip(dirt * uneven, 0, 1.2))[..., None]
    seam = np.exp(-((outline / rng.uniform(0.015, 0.035)) ** 2)) * rng.uniform(0.1, 0.6)
    return np.asarray(ground * (1 - seam * np.clip(uneven, 0.3, 1))[..., None], dtype=np.float32)


def _lit(
    shape: Shape,
    pose: Pose,
    light: DrawnLight,
    *,
    at: tuple[Plane, Plane],
    ground: Plane,
    rng: np.random.Generator,
) -> Plane:
    """Return the colours of metal, slots and dirt in their light."""
    u, v = at
    panel, holes = shape.panel(u, v), shape.open(u, v)
    edge = float(np.hypot(u[0, -1] - u[0, 0], v[0, -1] - v[0, 0])) / u.shape[1]
    recess = rng.uniform(0, 0.04)
    height = recess * np.clip(0.5 + panel / 0.03, 0, 1)
    if shape.heights is not None:
        height = height + shape.heights(u, v)
    if holes is not None:  # bars have rounded edges
        bevel = rng.uniform(0.015, 0.05)
        height = height - bevel * np.clip(1 - np.maximum(holes, 0) / (bevel * 1.5), 0, 1) ** 2
    exposure = float(np.clip(np.median(ground) / 105, 0.45, 1.3))
    flat = 1 - light.sun
    shade = flat + light.sun * _lambert(height.astype(np.float32), edge, light)
    sun_u, sun_v = light.across(pose)
    lip = shape.panel(u + np.float32(sun_u * recess), v + np.float32(sun_v * recess))
    in_lip = np.clip(0.5 + lip / edge, 0, 1) * np.clip(0.5 - panel / edge, 0, 1)
    shade = np.clip(shade * (1 - light.sun * 0.8 * in_lip), 0.08, 1.9)
    metal = _metal(u.shape, ground, exposure, rng)
    groove = np.exp(-((panel / rng.uniform(0.012, 0.03)) ** 2)) * rng.uniform(0.3, 0.85)
    metal *= (shade * (1 - groove))[..., None]
    if holes is None:
        return metal
    gap = np.clip(0.5 - holes / edge, 0, 1)[..., None]
    pit = _pit(shape, pose, light, at=at, exposure=exposure, ground=ground, rng=rng)
    return np.asarray(metal * (1 - gap) + pit * gap, dtype=np.float32)


def _lambert(height: Plane, edge: float, light: DrawnLight) -> Plane:
    """Return the light of the sun on a relief, 1 on what is flat."""
    smooth = cv2.GaussianBlur(height, (0, 0), 0.8)
    slope_x = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / (8 * edge))
    slope_y = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / (8 * edge))
    level = np.cos(light.elevation) / np.sin(light.elevation)
    facing = 1 - level * (slope_x * np.cos(light.azimuth) + slope_y * np.sin(light.azimuth))
    return np.asarray(np.clip(facing / np.sqrt(1 + slope_x**2 + slope_y**2), 0, 2.2))


def _metal(
    shape: tuple[int, ...], ground: Plane, exposure: float, rng: np.random.Generator
) -> Plane:
    """Return metal with rust and with dust of the ground on it."""
    colour = np.array(_METALS[int(rng.integers(len(_METALS)))], np.float32)
    colour = colour * rng.uniform(0.75, 1.25) * exposure * rng.uniform(0.94, 1.06, 3)
    colour *= min(1.0, 190 / float(colour.max()))  # nothing on the ground is white
    side = max(shape)
    spots = cloud(shape, side / rng.uniform(4, 14), rng)
    fine = cloud(shape, max(side / 60, 2), rng)
    metal = (
        colour * (1 + rng.uniform(0.02, 0.08) * spots + rng.uniform(0.02, 0.08) * fine)[..., None]
    )
    rust = np.array(_RUST_BGR[int(rng.integers(len(_RUST_BGR)))], np.float32) * exposure
    share = np.clip(rng.uniform(-2.2, 0.35) + 0.45 * cloud(shape, side / 7, rng), 0, 0.9)[
        ..., None
    ]
    metal = metal * (1 - share) + rust * (1 + 0.12 * fine[..., None]) * share
    dust = np.median(ground.reshape(-1, 3), axis=0).astype(np.float32) * rng.uniform(0.7, 1.05)
    share = np.clip(rng.uniform(-0.9, 0.5) + 0.35 * cloud(shape, side / 5, rng), 0, 0.8)[..., None]
    return np.asarray(metal * (1 - share) + dust * (1 + 0.08 * fine[..., None]) * share)


def _pit(
    shape: Shape,
    pose: Pose,
    light: DrawnLight,
    *,
    at: tuple[Plane, Plane],
    exposure: float,
    ground: Plane,
    rng: np.random.Generator,
) -> Plane:
    """Return what the slots show: the sides of bars on a slanting look, silt, or the dark."""
    u, v = at
    dark = np.array((14, 15, 16), np.float32) * rng.uniform(0.4, 2.2) * exposure
    pit = np.tile(dark.astype(np.float32), (*u.shape, 1))
    silt = np.clip(rng.uniform(-1.8, 0.9) + cloud(u.shape, max(u.shape) / 4, rng), 0, 1)
    if silt.any():
        soil = np.median(ground.reshape(-1, 3), axis=0) * rng.uniform(0.35, 0.75)
        soil = (soil + np.array((30, 45, 55)) * exposure) / 2
        grain = 1 + 0.2 * cloud(u.shape, max(max(u.shape) / 80, 2), rng)
        pit += (soil - dark).astype(np.float32) * (silt * grain)[..., None]
        shallow = rng.uniform(0.03, 0.12)
        sun_u, sun_v = (np.float32(part * shallow) for part in light.across(pose))
        above = shape.open(u + sun_u, v + sun_v)
        assert above is not None
        lit = np.where(above < 0, 1.0, 1 - light.sun * 0.75).astype(np.float32)
        pit = pit * lit[..., None]
    thick = rng.uniform(0.06, 0.2)
    side = np.array((70, 74, 78), np.float32) * exposure * rng.uniform(0.5, 1.1)
    if np.hypot(*pose.away()) > 0.15:
        for share in (1.0, 0.66, 0.33):
            moved = (np.float32(part * thick * share) for part in pose.away())
            there = shape.open(*(old + new for old, new in zip(at, moved, strict=True)))
            assert there is not None
            pit[there > 0] = side * (1.0 - 0.75 * share)
    return pit


def _as_sharp_as(place: Image, drawn: Plane, seen: Plane, rng: np.random.Generator) -> Plane:
    """Return what was drawn with about the blur and the noise of the surface around it."""
    grey = cv2.cvtColor(place, cv2.COLOR_BGR2GRAY).astype(np.float32)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 1.2)
    noise = float(np.clip(fine.std() * rng.uniform(0.25, 0.7), 0.5, 9))
    soft = float(rng.uniform(0.3, 0.9))
    blurred = cv2.GaussianBlur(drawn, (0, 0), soft)
    weight = cv2.GaussianBlur(seen, (0, 0), soft)
    # Blurring mixed the surroundings in, which are zero there.
    clean = blurred * (seen / np.maximum(weight, 1e-3))[..., None]
    speckle = cv2.GaussianBlur(
        rng.normal(0, 1.8 * noise, seen.shape).astype(np.float32), (0, 0), 0.7
    )
    return np.asarray(clean + (speckle * seen)[..., None], dtype=np.float32)
