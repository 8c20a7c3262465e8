# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Where the roof was seen well enough, as an OccupancyGrid."""

from __future__ import annotations

import array
import math
from typing import TYPE_CHECKING

import numpy as np
from nav_msgs.msg import MapMetaData, OccupancyGrid

if TYPE_CHECKING:
    import numpy.typing as npt
    from std_msgs.msg import Header

    from roof_detector.findings.coverage import CoverageGoal, CoverageGrid

MOST_CELLS = 250_000
NEVER_SEEN = -1
_WELL = 100


def coverage_message(
    grid: CoverageGrid | None,
    goal: CoverageGoal,
    *,
    header: Header,
    plane_up_m: float = 0.0,
    most_cells: int = MOST_CELLS,
) -> OccupancyGrid:
    """Return how well each cell of the roof was seen, in east and north of the header's frame.

    100 is a cell that was seen as well as the goal asks, less the share of it that is fulfilled,
    of views or of the probability of detection, whichever is less; -1 one that was never seen.
    Cells are joined until at most `most_cells` are left, and a joined cell is as well seen as the
    worst of its parts, unless none was seen. Without a grid the message has no cells.
    """
    if grid is None or not grid.views.size:
        return OccupancyGrid(header=header)
    values = coverage_percent(grid, goal)
    factor = _factor(values.shape, most_cells)
    joined = _joined(values, factor)
    rows, columns = joined.shape
    info = MapMetaData(
        map_load_time=header.stamp,
        resolution=grid.cell_m * factor,
        width=columns,
        height=rows,
    )
    east, north = grid.corner_en.tolist()
    info.origin.position.x, info.origin.position.y = east, north
    info.origin.position.z = plane_up_m
    # An array of bytes is taken as it is; a list would be checked number by number.
    return OccupancyGrid(header=header, info=info, data=array.array('b', joined.tobytes()))


def coverage_percent(grid: CoverageGrid, goal: CoverageGoal) -> npt.NDArray[np.int8]:
    """Return the share of the goal (rows, columns) that each cell fulfils, -1 never seen."""
    views = np.minimum(grid.views / goal.views, 1.0)
    detected = np.minimum(grid.detected / goal.detected, 1.0)
    share = np.floor(_WELL * np.minimum(views, detected)).astype(np.int8)
    return np.where(grid.views > 0, share, NEVER_SEEN).astype(np.int8)


def _factor(shape: tuple[int, ...], most_cells: int) -> int:
    """Return how many cells of a side become one."""
    rows, columns = shape
    factor = max(math.ceil(math.sqrt(rows * columns / most_cells)), 1)
    while math.ceil(rows / factor) * math.ceil(columns / factor) > most_cells:
        factor += 1
    return factor


def _joined(values: npt.NDArray[np.int8], factor: int) -> npt.NDArray[np.int8]:
    if factor == 1:
        return values
    rows, columns = (math.ceil(side / factor) * factor for side in values.shape)
    beyond = ((0, rows - values.shape[0]), (0, columns - values.shape[1]))
    blocks = (rows // factor, factor, columns // factor, factor)
    # Beyond the grid's edge there is no part: the highest value is never the least.
    least = np.pad(np.maximum(values, 0), beyond, constant_values=_WELL)
    seen = np.pad(values, beyond, constant_values=NEVER_SEEN).reshape(blocks).max(axis=(1, 3))
    return np.where(seen == NEVER_SEEN, NEVER_SEEN, least.reshape(blocks).min(axis=(1, 3))).astype(
        np.int8
    )
