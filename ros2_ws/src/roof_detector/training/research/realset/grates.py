# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Shapes of grates and covers in their own plane, as signed distances: below zero is within.

The longer half side, or the radius, is 1. A distance is in the same unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

    from training.dataset.instance import Floats

Plane = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A grate or cover: its outline, its slots, and the heights on it.

    `corner` is the radius of the corners of a rectangle; a round one has None. Within `rim` of
    the outline is the frame. `openings` gives the distance to the nearest slot, `heights` those
    of bumps, bowls and domes.
    """

    half_wh: tuple[float, float]
    corner: float | None
    rim: float
    panels: int = 1
    openings: Callable[[Plane, Plane], Plane] | None = None
    heights: Callable[[Plane, Plane], Plane] | None = None

    def outline(self, u: Plane, v: Plane) -> Plane:
        """Return the distance to the outline of frame and grate."""
        if self.corner is None:
            return np.hypot(u, v) - np.float32(1)
        return _box(u, v, self.half_wh, self.corner)

    def panel(self, u: Plane, v: Plane) -> Plane:
        """Return the distance to the edge of the nearest panel within the frame."""
        if self.corner is None:
            return np.hypot(u, v) - np.float32(1 - self.rim)
        width, height = (side - self.rim for side in self.half_wh)
        if self.panels == 1:
            return _box(u, v, (width, height), self.corner / 2)
        half = (width - self.rim / 4) / 2
        return _box(np.abs(u) - (width - half), v, (half, height), self.corner / 2)

    def open(self, u: Plane, v: Plane) -> Plane | None:
        """Return the distance to the nearest slot, None without slots."""
        if self.openings is None:
            return None
        return np.maximum(self.openings(u, v), self.panel(u, v) + np.float32(self.rim * 0.45))

    def points(self) -> Floats:
        """Return points (n, 2) around the outline."""
        angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        if self.corner is None:
            return circle
        inner = np.array(self.half_wh) - self.corner
        return np.asarray(np.sign(np.round(circle, 9)) * inner + circle * self.corner)


def gully(rng: np.random.Generator) -> Shape:
    """Return a rectangular or square street gully, flat or a shallow bowl."""
    high = float(rng.choice([1.0, rng.uniform(0.55, 1.0)]))
    rim = rng.uniform(0.06, 0.16)
    width = rng.uniform(0.05, 0.11)
    angle = float(rng.choice([0, np.pi / 2, np.pi / 2, np.pi / 4, rng.uniform(0.3, 1.2)]))
    slots = _slots(
        angle=angle,
        period=(width * rng.uniform(1.6, 2.8), float(rng.choice([0.55, 0.8, 1.1, 4.0]))),
        radius=width / 2,
        wave=float(rng.choice([0, 0, 0, rng.uniform(0.03, 0.08)])),
        mirrored=bool(angle not in {0, np.pi / 2} and rng.random() < 0.5),
        square=bool(rng.random() < 0.5),
    )
    bowl = float(rng.choice([0, rng.uniform(0.05, 0.2)]))
    return Shape(
        half_wh=(1.0, high),
        corner=rng.uniform(0.0, 0.12),
        rim=rim,
        panels=int(rng.choice([1, 1, 2])),
        openings=slots,
        heights=lambda u, v: (bowl * (u * u + v * v)).astype(np.float32) if bowl else 0 * u,
    )


def waffle(rng: np.random.Generator) -> Shape:
    """Return a mesh of square openings, as on yards and in channels."""
    side = rng.uniform(0.05, 0.13)
    period = side * rng.uniform(1.25, 1.7)
    openings = _slots(
        angle=0.0,
        period=(period, period * float(rng.choice([1.0, 1.0, 2.5]))),
        radius=side / 2,
        square=True,
    )
    return Shape(
        half_wh=(1.0, float(rng.choice([1.0, rng.uniform(0.4, 1.0)]))),
        corner=rng.uniform(0, 0.06),
        rim=rng.uniform(0.04, 0.12),
        openings=openings,
    )


def channel(rng: np.random.Generator) -> Shape:
    """Return a linear drain with slots across it or along it."""
    high = rng.uniform(0.07, 0.2)
    rim = high * rng.uniform(0.1, 0.22)
    width = high * rng.uniform(0.12, 0.35)
    rows = int(rng.choice([1, 1, 2]))
    if rng.random() < 0.25:  # slots along it
        width = high * rng.uniform(0.15, 0.3)
        openings = _slots(
            angle=np.pi / 2,
            period=(width * 2.2, rng.uniform(0.3, 0.6)),
            radius=width / 2,
        )
    else:
        openings = _slots(
            angle=0.0,
            period=(width * rng.uniform(1.7, 2.6), 2.4 * high / rows),
            radius=width / 2,
            square=bool(rng.random() < 0.4),
        )
    return Shape(
        half_wh=(1.0, high),
        corner=0.0,
        rim=rim,
        panels=int(rng.choice([1, 2])),
        openings=openings,
    )


def round_grate(rng: np.random.Generator) -> Shape:
    """Return a round grate with radial or concentric slots, with bars, or with holes."""
    rim = rng.uniform(0.07, 0.22)
    kind = rng.random()
    if kind < 0.7:
        openings = _rings(rng, 1 - rim, radial=kind < 0.3, holes=kind > 0.55)
    else:
        width = rng.uniform(0.07, 0.16)
        openings = _slots(angle=0.0, period=(width * rng.uniform(1.6, 2.4), 1.0), radius=width / 2)
    return Shape(half_wh=(1.0, 1.0), corner=None, rim=rim, openings=openings)


def roof_drain(rng: np.random.Generator) -> Shape:
    """Return a roof outlet: a domed strainer with ribs within a clamping ring with bolts."""
    rim = rng.uniform(0.2, 0.42)
    dome = 1 - rim
    height = rng.uniform(0.25, 0.7)
    bolts = int(rng.choice([0, 4, 6, 8]))
    phase = rng.uniform(0, 2 * np.pi)
    slots = _rings(rng, dome, radial=bool(rng.random() < 0.8), holes=False)

    def heights(u: Plane, v: Plane) -> Plane:
        r = np.hypot(u, v)
        raised = height * np.sqrt(np.maximum(1 - (r / dome) ** 2, 0))
        if bolts:
            place = (np.arctan2(v, u) + phase) * bolts / (2 * np.pi)
            across = (place - np.round(place)) * 2 * np.pi / bolts
            away = np.hypot(across, r - (1 - rim / 2))
            raised = raised + 0.04 * np.clip((0.07 - away) / 0.03, 0, 1)
        return raised.astype(np.float32)

    return Shape(half_wh=(1.0, 1.0), corner=None, rim=rim, openings=slots, heights=heights)


def cover(rng: np.random.Generator) -> Shape:
    """Return a manhole cover: solid, with a raised pattern; it is no drain."""
    round_one = bool(rng.random() < 0.65)
    period = rng.uniform(0.12, 0.3)
    high = rng.uniform(0.01, 0.035)
    kind = int(rng.integers(5))
    angle = float(rng.choice([0, np.pi / 4]))
    plain = Shape(
        half_wh=(1.0, 1.0 if round_one else float(rng.choice([1.0, rng.uniform(0.6, 1)]))),
        corner=None if round_one else rng.uniform(0, 0.08),
        rim=rng.uniform(0.05, 0.13),
    )

    def heights(u: Plane, v: Plane) -> Plane:
        x, y = _turn(u, v, angle)
        r = np.hypot(u, v)
        if kind == 0:  # studs
            away = np.maximum(np.abs(_wrap(x, period)), np.abs(_wrap(y, period))) - period * 0.28
        elif kind == 1:  # rings
            away = np.abs(_wrap(r, period)) - period * 0.22
        elif kind == 2:  # bars that change their direction, as on checker plate
            odd = (np.floor(x / period + 0.5) + np.floor(y / period + 0.5)) % 2 > 0
            a, b = _wrap(x, period), _wrap(y, period)
            away = np.maximum(
                np.abs(np.where(odd, a, b)) - period * 0.42,
                np.abs(np.where(odd, b, a)) - period * 0.12,
            )
        elif kind == 3:  # a plate with a lettered field
            letters = np.maximum(np.abs(_wrap(u, 0.14)) - 0.045, np.abs(v) - 0.1)
            away = np.maximum(letters, np.abs(u) - 0.5)
        else:
            return np.zeros_like(u)
        inner = np.maximum(away, plain.panel(u, v) + 0.06)
        return (high * np.clip(0.5 - inner / 0.03, 0, 1)).astype(np.float32)

    holes = float(rng.choice([0.0, 0.035]))

    def picks(u: Plane, v: Plane) -> Plane:
        return (np.hypot(np.abs(u) - 0.62, v) - holes).astype(np.float32)

    return Shape(
        half_wh=plain.half_wh,
        corner=plain.corner,
        rim=plain.rim,
        openings=picks if holes else None,
        heights=heights,
    )


def _slots(
    *,
    angle: float,
    period: tuple[float, float],
    radius: float,
    wave: float = 0.0,
    mirrored: bool = False,
    square: bool = False,
) -> Callable[[Plane, Plane], Plane]:
    """Return the distance to a lattice of slots: `period` across and along, `radius` half wide."""
    across, along = period
    half = max(along / 2 - radius * 2.2, 0)

    def distance(u: Plane, v: Plane) -> Plane:
        x, y = _turn(u, np.abs(v) if mirrored else v, angle)
        if wave:
            x = x + np.float32(wave) * np.sin(y * 7).astype(np.float32)
        t, s = np.abs(_wrap(x, across)), np.abs(_wrap(y, along))
        beyond = np.maximum(s - np.float32(half), 0)
        if square:
            return np.maximum(t, beyond) - np.float32(radius)
        return np.hypot(t, beyond) - np.float32(radius)

    return distance


def _rings(
    rng: np.random.Generator, reach: float, *, radial: bool, holes: bool
) -> Callable[[Plane, Plane], Plane]:
    """Return the distance to slots that lie on rings around the centre."""
    rings = int(rng.integers(1, 4)) if radial else int(rng.integers(2, 6))
    period = reach * 0.9 / rings
    number = int(rng.integers(8, 22)) if radial or holes else int(rng.choice([3, 4, 6, 8]))
    width = period * rng.uniform(0.2, 0.3)
    twist = rng.uniform(0, 2)

    def distance(u: Plane, v: Plane) -> Plane:
        r = np.hypot(u, v)
        ring = np.clip(np.floor((r - reach * 0.08) / period), 0, rings - 1)
        middle = reach * 0.08 + (ring + 0.5) * period
        many = np.maximum(np.round(number * (ring + 1) / rings), 3) if holes or radial else number
        place = np.arctan2(v, u) * many / (2 * np.pi) + ring * twist
        around = np.abs(place - np.round(place)) * 2 * np.pi / many * middle
        outward = np.abs(r - middle)
        if holes:
            away = np.hypot(around, outward) - width
        elif radial:
            narrow = np.minimum(width, 2 * np.pi * middle / many * 0.3)
            away = np.hypot(around, np.maximum(outward - period * 0.3, 0)) - narrow
        else:
            ends = np.pi / many * middle - width * 2
            away = np.hypot(np.maximum(around - ends, 0), outward) - width
        return away.astype(np.float32)

    return distance


def _turn(u: Plane, v: Plane, angle: float) -> tuple[Plane, Plane]:
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return u * cosine + v * sine, v * cosine - u * sine


def _wrap(x: Plane, period: float) -> Plane:
    """Return how far x is from the nearest multiple of a period."""
    steps = x / np.float32(period)
    return np.asarray((steps - np.round(steps)) * np.float32(period), dtype=np.float32)


def _box(u: Plane, v: Plane, half_wh: tuple[float, float], corner: float) -> Plane:
    x = np.abs(u) - np.float32(half_wh[0] - corner)
    y = np.abs(v) - np.float32(half_wh[1] - corner)
    outside = np.hypot(np.maximum(x, 0), np.maximum(y, 0))
    return outside + np.minimum(np.maximum(x, y), 0) - np.float32(corner)
