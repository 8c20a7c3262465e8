# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The cells of a coverage as rows of the store's layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from roof_detector.findings.coverage import CoverageGrid
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

# A map of more draws slowly in QGIS; larger areas get larger cells, each with its worst values.
_MOST_CELLS = 20_000

Ring = list[tuple[float, float]]


def coverage_cells(
    grid: CoverageGrid, origin: LocalTangentPlane
) -> Iterator[tuple[tuple[Any, ...], Ring]]:
    """Yield the values of the layer's columns, and the closed ring in longitude and latitude.

    Cells that no frame saw are left out. Of several cells that become one, the values are the
    fewest views, the coarsest resolution, the least sharpness, the largest angle from nadir and
    the least probability of detection among those that were seen.
    """
    seen = grid.views > 0
    step = max(math.ceil(math.sqrt(np.count_nonzero(seen) / _MOST_CELLS)), 1)
    least, most = np.fmin, np.fmax
    views = _blocks(np.where(seen, grid.views, np.nan), step, least)
    resolution = _blocks(np.where(seen, grid.metres_per_pixel, np.nan), step, most)
    sharpness = _blocks(grid.sharpness, step, least)
    angle = _blocks(np.where(seen, grid.angle_deg, np.nan), step, most)
    detected = _blocks(np.where(seen, grid.detected, np.nan), step, least)
    side = step * grid.cell_m
    for row, column in np.argwhere(np.isfinite(views)).tolist():
        steps = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) + np.array([column, row])
        corners = np.column_stack([grid.corner_en + steps * side, np.zeros(4)])
        degrees = origin.to_geodetic(corners)
        ring = [(float(one[1]), float(one[0])) for one in degrees]
        sharp = float(sharpness[row, column])
        yield (
            (
                'cell',
                int(views[row, column]),
                float(resolution[row, column]),
                None if math.isnan(sharp) else sharp,
                float(angle[row, column]),
                float(detected[row, column]),
            ),
            [*ring, ring[0]],
        )


def _blocks(
    values: npt.NDArray[np.float64], step: int, reduce: np.ufunc
) -> npt.NDArray[np.float64]:
    """Return one value for each square of `step` by `step` cells; nan where none was seen."""
    rows, columns = (-(-side // step) * step for side in values.shape)
    padded = np.full((rows, columns), np.nan)
    padded[: values.shape[0], : values.shape[1]] = values
    blocks = padded.reshape(rows // step, step, columns // step, step)
    return np.asarray(reduce.reduce(reduce.reduce(blocks, axis=3), axis=1))
