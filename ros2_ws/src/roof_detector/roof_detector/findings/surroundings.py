# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What severity depends on beside a finding itself: its neighbours, drains and edges."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import shapely

from roof_detector.findings.roof_finding import FindingState
from roof_detector.findings.severity import Grade, Measures
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    import numpy.typing as npt
    from shapely.geometry.base import BaseGeometry

    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.findings.severity import SeverityRules

# The circle of 100 m^2 in which neighbours are counted.
_NEAR_M = math.sqrt(100 / math.pi)


def measures_of(
    findings: Sequence[RoofFinding],
    rules: SeverityRules,
    *,
    outline: BaseGeometry | None = None,
) -> dict[UUID, Measures]:
    """Return what was measured of each finding and around it.

    Neighbours and drains are the findings that nobody rejected. `outline` are the polygons of the
    roof or its zones, longitude and latitude; without them there is no distance to an edge.
    """
    placed = [one for one in findings if one.place is not None]
    if not placed:
        return {one.uuid: _own(one) for one in findings}
    plane = plane_of(placed)
    places_en = places_on(plane, placed)
    counted = np.array([one.state is not FindingState.REJECTED for one in placed])
    classes = np.array([one.class_name for one in placed], object)
    drains = counted & np.isin(classes, rules.drains)
    edge = None if outline is None else metres_of(outline, plane).boundary
    found: dict[UUID, Measures] = {}
    for index, one in enumerate(placed):
        apart = np.linalg.norm(places_en - places_en[index], axis=1)
        near = counted & (classes == one.class_name) & (apart <= _NEAR_M)
        near[index] = True
        others = drains.copy()
        others[index] = False
        own = _own(one)
        found[one.uuid] = Measures(
            length_m=own.length_m,
            area_m2=own.area_m2,
            per_100_m2=float(near.sum()),
            drain_m=float(apart[others].min()) if others.any() else None,
            edge_m=None if edge is None else float(edge.distance(shapely.Point(places_en[index]))),
        )
    return {one.uuid: found.get(one.uuid, _own(one)) for one in findings}


def grades_of(
    findings: Sequence[RoofFinding],
    rules: SeverityRules,
    *,
    outline: BaseGeometry | None = None,
    decided: Mapping[UUID, Grade] | None = None,
) -> dict[UUID, Grade]:
    """Return the grade of each finding that has one, by its identity; a person's comes first."""
    measures = measures_of(findings, rules, outline=outline)
    grades = {one.uuid: rules.grade(one.class_name, measures[one.uuid]) for one in findings}
    found = {uuid: grade for uuid, grade in grades.items() if grade is not None}
    return found | {uuid: one for uuid, one in (decided or {}).items() if uuid in grades}


def plane_of(placed: Sequence[RoofFinding]) -> LocalTangentPlane:
    """Return the plane at the first of findings that have a place."""
    place = placed[0].place
    assert place is not None
    return LocalTangentPlane(place.latitude_deg, place.longitude_deg, 0.0)


def places_on(plane: LocalTangentPlane, placed: Sequence[RoofFinding]) -> npt.NDArray[np.float64]:
    """Return where findings are on a plane, metres east and north (n, 2)."""
    geodetic = [
        (one.place.latitude_deg, one.place.longitude_deg, 0.0)
        for one in placed
        if one.place is not None
    ]
    return plane.to_enu(np.array(geodetic).reshape(-1, 3))[:, :2]


def metres_of(shape_deg: BaseGeometry, plane: LocalTangentPlane) -> BaseGeometry:
    """Return a shape in longitude and latitude as one in metres east and north of a plane."""

    def metres(degrees: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        geodetic = np.column_stack([degrees[:, 1], degrees[:, 0], np.zeros(len(degrees))])
        return plane.to_enu(geodetic)[:, :2]

    return shapely.transform(shape_deg, metres)


def _own(finding: RoofFinding) -> Measures:
    if finding.size is None:
        return Measures()
    return Measures(length_m=finding.size.length_m, area_m2=finding.size.area_m2)
