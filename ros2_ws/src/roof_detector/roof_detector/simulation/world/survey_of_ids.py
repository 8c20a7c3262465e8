# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The positions of painted objects, read back from a surface's ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from roof_detector.simulation.world.instance import WorldInstance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.simulation.world.roofing import RoofSection

MINIMUM_PAINTED_PX = 12
SAMPLES_PER_PAINTED = 60


def survey_ids(
    section: RoofSection, painted: dict[int, tuple[int, float]], rng: np.random.Generator
) -> list[WorldInstance]:
    """Return the painted objects of a section; those with too few pixels left lose their ids.

    `painted` gives for each id the class and the width in metres, infinite for broad objects.
    """
    ids = section.canvas.ids
    flat = np.flatnonzero(ids)
    owners = ids.reshape(-1)[flat]
    order = np.argsort(owners, kind='stable')
    flat, owners = flat[order], owners[order]
    out = []
    for instance_id, (class_id, width) in painted.items():
        first, last = np.searchsorted(owners, [instance_id, instance_id + 1])
        pixels = flat[first:last]
        if len(pixels) < MINIMUM_PAINTED_PX:
            ids.reshape(-1)[pixels] = 0
            continue
        uv = _uv(section, pixels)
        middle = uv[int(np.argmin(np.hypot(*(uv - uv.mean(axis=0)).T)))]
        chosen = uv[rng.integers(0, len(uv), SAMPLES_PER_PAINTED)]
        out.append(
            WorldInstance(
                instance_id=instance_id,
                class_id=class_id,
                position_enu=section.plane.to_enu(middle),
                outline=section.plane.to_enu(chosen),
                solid=False,
                width_m=float(width),
            )
        )
    return out


def _uv(section: RoofSection, pixels: NDArray[np.int64]) -> NDArray[np.float64]:
    rows, columns = np.divmod(pixels, section.canvas.shape_hw[1])
    uv: NDArray[np.float64] = (
        np.stack([columns, rows], axis=-1) + 0.5
    ) * section.canvas.metres_per_px
    return uv
