# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The outdoor unit of a split system: a slim box with its fan on the long side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.surfaces.grime import BROWN, SOOT, blotches, dents, plate, runs
from roof_detector.simulation.surfaces.swatch import Decoration, fan, frame, ribs
from roof_detector.simulation.world.solid import UP, Solid, axes_of, solid_from

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from roof_detector.simulation.surfaces.canvas import Colour
    from roof_detector.simulation.world.facet import Facet
    from roof_detector.simulation.world.maker import Maker

DARK: Colour = (48.0, 46.0, 44.0)


def split_unit(base: ArrayLike, *, yaw: float, make: Maker, instance: int) -> Solid:
    """Build a unit that stands on feet, a plinth or a frame, or hangs on brackets."""
    rng = make.rng
    size = (
        float(rng.uniform(0.28, 0.45)),
        float(rng.uniform(0.7, 1.1)),
        float(rng.uniform(0.5, 0.78)),
    )
    fans = 1
    if rng.random() < 0.15:
        size, fans = (size[0], size[1], size[2] * 1.9), 2
    colour = make.white()
    under, raised = _stand(np.asarray(base, dtype=np.float64), size, yaw, make)
    foot = np.asarray(base, dtype=np.float64) + raised * UP
    sides: dict[str, tuple[Decoration, ...]] = {
        'front': _front(rng, size, fans, colour),
        'back': (ribs(0.03, depth=float(rng.uniform(0.2, 0.6))), dents(int(rng.integers(0, 8)))),
        'left': (plate((0.5, 0.3), (0.12, 0.08), (190, 190, 190)),) if rng.random() < 0.4 else (),
        'right': (runs(0.4, BROWN),) if rng.random() < 0.3 else (),
    }
    facets = make.box(
        foot,
        size,
        yaw=yaw,
        colour=colour,
        dirt=float(rng.uniform(0, 0.4)),
        instance=instance,
        top=_lid(rng, colour),
        sides=sides,
        sink=min(raised * 0.4, 0.06),
    )
    if rng.random() < 0.4:
        # The cover of the valves stands out from one end.
        ahead, left = axes_of(yaw)
        side = float(rng.choice([-1.0, 1.0]))
        spot = foot + side * (size[1] / 2 + 0.04) * left - 0.1 * size[0] * ahead
        cover = (size[0] * 0.5, 0.08, size[2] * float(rng.uniform(0.3, 0.6)))
        facets = (
            *make.box(spot, cover, yaw=yaw, colour=scaled(colour, 0.95), instance=instance),
            *facets,
        )
    return solid_from(
        (*under, *facets), base, half_extent=(size[0] / 2, size[1] / 2), yaw=yaw, instance=instance
    )


def _front(
    rng: np.random.Generator, size: tuple[float, float, float], fans: int, colour: Colour
) -> tuple[Decoration, ...]:
    """Draw the fans' grilles, now and then with a badge and stains."""
    radius = 0.38 * min(size[1] * 0.7, size[2] / fans)
    dark = scaled(DARK, float(rng.uniform(0.7, 2.6)))
    hub, rings = scaled(colour, float(rng.uniform(0.55, 1.0))), int(rng.integers(3, 9))
    out: tuple[Decoration, ...] = tuple(
        fan((0.38, (i + 0.5) / fans), radius, colour=dark, hub=hub, rings=rings)
        for i in range(fans)
    )
    if rng.random() < 0.5:
        ink = (150, 90, 40) if rng.random() < 0.5 else (60, 60, 60)
        out += (plate((0.92, float(rng.uniform(0.05, 0.3))), (0.14, 0.05), ink),)
    if rng.random() < 0.4:
        out += (blotches(float(rng.uniform(0.1, 0.5)), BROWN, feature_m=0.3),)
    return out


def _lid(rng: np.random.Generator, colour: Colour) -> tuple[Decoration, ...]:
    """Draw the top: a folded rim, pressed grooves, dust, a label, streaks of rust."""
    out: tuple[Decoration, ...] = (frame(0.012, scaled(colour, float(rng.uniform(0.8, 1.0)))),)
    if rng.random() < 0.5:
        depth = float(rng.uniform(0.03, 0.14))
        out += (ribs(float(rng.uniform(0.04, 0.2)), depth=depth, upright=rng.random() < 0.7),)
    if rng.random() < 0.5:
        tone = SOOT if rng.random() < 0.5 else BROWN
        out += (blotches(float(rng.uniform(0.05, 0.45)), tone, feature_m=0.25),)
    if rng.random() < 0.15:
        label = (float(rng.uniform(0.05, 0.15)), float(rng.uniform(0.05, 0.12)))
        ink = (60, 60, 150) if rng.random() < 0.4 else (120, 118, 116)
        out += (plate((float(rng.random()), float(rng.random())), label, ink),)
    return out


def _stand(
    base: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    size: tuple[float, float, float],
    yaw: float,
    make: Maker,
) -> tuple[tuple[Facet, ...], float]:
    """Build what carries a unit, unlabelled, and return its height."""
    rng, pick = make.rng, make.rng.random()
    ahead, left = axes_of(yaw)
    if pick < 0.25:
        return (), float(rng.uniform(0.0, 0.15))
    if pick < 0.5:
        raised, level = float(rng.uniform(0.05, 0.25)), float(rng.uniform(95, 215))
        grown = float(rng.uniform(1.1, 1.8))
        slab = (size[0] * grown, size[1] * float(rng.uniform(1.0, 1.3)), raised)
        tone = (level * 0.94, level * 0.98, level)
        soil = (blotches(float(rng.uniform(0.1, 0.7)), SOOT, feature_m=0.4),)
        return make.box(base, slab, yaw=yaw, colour=tone, top=soil, dirt=0.5), raised
    raised = float(rng.uniform(0.06, 0.2) if pick < 0.8 else rng.uniform(0.3, 0.8))
    level = float(rng.uniform(50, 200))
    steel = (level * 0.9, level * 0.95, level)
    parts: tuple[Facet, ...] = ()
    for side in (-0.32, 0.32):
        rail = (size[0] * float(rng.uniform(1.1, 1.5)), 0.05, raised)
        parts += make.box(base + side * size[1] * left, rail, yaw=yaw, colour=steel, dirt=0.4)
    if raised > 0.3:
        for end in (-0.5, 0.5):
            bar = (0.05, size[1] * 0.7, 0.05)
            spot = base + end * size[0] * ahead + (raised - 0.05) * UP
            parts += make.box(spot, bar, yaw=yaw, colour=steel, dirt=0.4)
    return parts, raised


def scaled(colour: Colour, gain: float) -> Colour:
    """Brighten or darken a colour, at most to white."""
    return (
        min(colour[0] * gain, 255.0),
        min(colour[1] * gain, 255.0),
        min(colour[2] * gain, 255.0),
    )
