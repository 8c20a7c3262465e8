# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The coverage of an inspection: how much of its area was seen well enough, and the gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from roof_detector.findings.gap_plan import GapPlan
from roof_detector.results.errors import export_errors

if TYPE_CHECKING:
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from roof_detector.findings.coverage import Coverage, CoverageGoal, CoverageGrid
    from roof_detector.findings.inspection_area import InspectionArea
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane


@dataclass(frozen=True)
class CoverageOutcome:
    """The share of the area that was seen well enough, the gaps' files, and notes."""

    seen_share: float
    files: tuple[Path, ...]
    notes: tuple[str, ...]


def write_coverage(
    coverage: Coverage,
    grid: CoverageGrid,
    folder: Path,
    *,
    origin: LocalTangentPlane,
    area: InspectionArea | None = None,
    goal: CoverageGoal,
    roofs_up_m: float | None = None,
) -> CoverageOutcome:
    """Write what was not seen well enough, by the grid of a coverage.

    Without an area it is the convex hull of what was seen. `roofs_up_m` is how high the roofs are
    above the place of take-off, None where that is not known.
    """
    region = coverage.region() if area is None else _in_metres(area, origin)
    seen = grid.polygons(grid.seen(goal))
    missing = region.difference(seen)
    share = max(1 - missing.area / region.area, 0.0) if region.area > 0 else 0.0
    plan = GapPlan.over(
        missing,
        height_m=coverage.height_m,
        footprint_wh_m=coverage.footprint_wh_m,
        origin=origin,
        roofs_up_m=roofs_up_m or 0.0,
    )
    with export_errors(folder / 'gaps.geojson'):
        files = plan.write(folder)
    where = 'the area' if area is not None else 'what the flights enclose'
    note = (
        f'{share:.0%} of {where} ({region.area:.0f} m2) was seen at least {goal.views} times, and '
        f'well enough to find {goal.detected:.0%} of the objects; {len(plan.gaps)} gaps are left.'
    )
    notes = [note]
    if plan.gaps and roofs_up_m is None:
        notes.append(
            f'gaps.plan flies {plan.height_m:.0f} m above the place of take-off, as if that were '
            'on the roofs: add their height above it before you fly, or give --ground-z.'
        )
    return CoverageOutcome(share, files, tuple(notes))


def _in_metres(area: InspectionArea, origin: LocalTangentPlane) -> BaseGeometry:
    def metres(degrees: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> object:
        at_origin = np.full(len(degrees), origin.altitude_m)
        return origin.to_enu(np.column_stack([degrees[:, 1], degrees[:, 0], at_origin]))[:, :2]

    return shapely.transform(area.polygons, metres)
