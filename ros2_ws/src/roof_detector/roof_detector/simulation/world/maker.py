# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The maker of lit and weathered boxes and cylinders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.surfaces.swatch import Decoration, swatch
from roof_detector.simulation.world.solid import UP, axes_of, box, cylinder

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from roof_detector.simulation.surfaces.canvas import Colour
    from roof_detector.simulation.world.facet import Facet
    from roof_detector.simulation.world.light import Light


@dataclass(frozen=True)
class Maker:
    """The light and the random source that all objects of a world share."""

    light: Light
    rng: np.random.Generator
    paint: Colour | None = None
    """What `white` returns, for rows of one make."""

    def box(
        self,
        base: ArrayLike,
        size_lwh: tuple[float, float, float],
        *,
        yaw: float,
        colour: Colour,
        dirt: float = 0.2,
        instance: int = 0,
        top: tuple[Decoration, ...] = (),
        sides: dict[str, tuple[Decoration, ...]] | None = None,
        top_colour: Colour | None = None,
        sink: float = 0.0,
    ) -> tuple[Facet, ...]:
        """Build a box; `sides` decorates 'front', 'back', 'left' or 'right'."""
        length, width, height = size_lwh
        ahead, left = axes_of(yaw)
        faces = {
            'top': swatch(
                (length, width),
                top_colour or colour,
                self.rng,
                gain=self.light.gain(UP),
                dirt=dirt,
                decorations=top,
            )
        }
        for name, outward, span in (
            ('front', ahead, width),
            ('back', -ahead, width),
            ('left', left, length),
            ('right', -left, length),
        ):
            faces[name] = swatch(
                (span, height + sink),
                colour,
                self.rng,
                gain=self.light.gain(outward),
                dirt=dirt,
                decorations=(sides or {}).get(name, ()),
            )
        return box(base, size_lwh, yaw=yaw, faces=faces, instance=instance, sink=sink)

    def cylinder(
        self,
        base: ArrayLike,
        *,
        radius: float,
        height: float,
        colour: Colour,
        dirt: float = 0.2,
        instance: int = 0,
        top: tuple[Decoration, ...] = (),
        top_radius: float | None = None,
        top_colour: Colour | None = None,
        count: int = 16,
    ) -> tuple[Facet, ...]:
        """Build an upright cylinder or cone frustum."""
        upper = radius if top_radius is None else top_radius
        width = 2 * max(radius, upper) * np.sin(np.pi / count) * 1.1
        slant = float(np.hypot(height, radius - upper))
        angles = 2 * np.pi * (np.arange(count) + 0.5) / count
        sides = tuple(
            swatch(
                (width, slant),
                colour,
                self.rng,
                dirt=0.0,
                mottle=0.01,
                gain=self.light.gain(_tilted(angle, radius - upper, height)),
            )
            for angle in angles
        )
        lid = swatch(
            (2 * upper, 2 * upper),
            top_colour or colour,
            self.rng,
            gain=self.light.gain(UP),
            dirt=dirt,
            decorations=top,
        )
        return cylinder(
            base,
            radius=radius,
            height=height,
            top=lid,
            sides=sides,
            instance=instance,
            top_radius=upper,
        )

    def white(self) -> Colour:
        """Return the paint of a unit: mostly white, sometimes grey or beige, seldom dark."""
        if self.paint is not None:
            return self.paint
        pick = self.rng.random()
        if pick < 0.7:
            level = self.rng.uniform(215, 255)
            return (level * self.rng.uniform(0.95, 1.0), level, level)
        if pick < 0.9:
            level = self.rng.uniform(135, 215)
            return (level, level, level * self.rng.uniform(0.96, 1.02))
        if pick < 0.97:
            level = self.rng.uniform(165, 220)
            return (level * 0.84, level * 0.95, level)
        level = self.rng.uniform(60, 120)
        return (level, level * 0.98, level * 0.95)


def _tilted(angle: float, spread: float, height: float) -> NDArray[np.float64]:
    normal = np.array([np.cos(angle) * height, np.sin(angle) * height, spread])
    return normal / max(float(np.linalg.norm(normal)), 1e-9)
