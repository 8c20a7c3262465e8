# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Findings, area, footprint and flight path as GeoJSON for Foxglove's map panel.

Import it only where `foxglove_messages_available()`.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import shapely
from foxglove_msgs.msg import GeoJSON

from roof_detector.findings.roof_finding import FindingState
from roof_detector.ros.inspector.marker_messages import MOST_FINDINGS, drawn_first, marker_text
from roof_detector.vision.palette import class_colours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.findings.inspection_area import InspectionArea
    from roof_detector.findings.roof_finding import FindingPlace, RoofFinding

MOST_PATH_POINTS = 500
# The corners of a circle that it is drawn with.
_CIRCLE = [(math.cos(turn), math.sin(turn)) for turn in (k * math.pi / 6 for k in range(12))]
_LEAST_RADIUS_M = 0.2
_METRES_PER_DEGREE = math.radians(1.0) * 6_371_000.0
# Degrees of this many digits are a centimetre; more would only make the message longer.
_DIGITS = 7
_UNKNOWN_COLOUR = '#ffffff'


def geojson_message(
    findings: Sequence[RoofFinding],
    *,
    class_names: Sequence[str],
    area: InspectionArea | None = None,
    footprint_deg: Sequence[tuple[float, float]] = (),
    path_deg: Sequence[tuple[float, float]] = (),
) -> GeoJSON:
    """Return what a map shows; corners and points are longitude, latitude in degrees.

    A finding is the circle that holds its true position with a probability of 95 %. The map's
    panel shows `name` at the pointer and draws by `style`, which are Leaflet's path options. Of
    more than `MOST_FINDINGS` findings and `MOST_PATH_POINTS` points some are left out, which the
    members `findings_left_out` and `path_points_left_out` of the collection count.
    """
    placed = [one for one in findings if one.place is not None]
    drawn = sorted(placed, key=drawn_first)[:MOST_FINDINGS]
    path = list(path_deg)[:: max(math.ceil(len(path_deg) / MOST_PATH_POINTS), 1)]
    if path_deg and path[-1] != path_deg[-1]:
        path.append(path_deg[-1])
    features = []
    if area is not None:
        features.append(_feature('area', _geometry(area), color='#ffffff', fillOpacity=0.0))
    if len(footprint_deg) >= 3:
        ring = [_point(*corner) for corner in (*footprint_deg, footprint_deg[0])]
        features.append(
            _feature(
                'camera', {'type': 'Polygon', 'coordinates': [ring]}, color='#56b4e9', weight=1
            )
        )
    if len(path) >= 2:
        line = {'type': 'LineString', 'coordinates': [_point(*place) for place in path]}
        features.append(_feature('flight', line, color='#f0e442', weight=2))
    colours = dict(zip(class_names, class_colours(tuple(class_names)), strict=True))
    features += [
        _finding_feature(one, one.place, colours) for one in drawn if one.place is not None
    ]
    collection = {
        'type': 'FeatureCollection',
        'features': features,
        'findings_left_out': len(placed) - len(drawn),
        'path_points_left_out': len(path_deg) - len(path),
    }
    return GeoJSON(geojson=json.dumps(collection, separators=(',', ':'), allow_nan=False))


def _finding_feature(
    finding: RoofFinding, place: FindingPlace, colours: dict[str, tuple[int, int, int]]
) -> dict[str, Any]:
    colour = _UNKNOWN_COLOUR
    if finding.class_name in colours:
        blue, green, red = colours[finding.class_name]
        colour = f'#{red:02x}{green:02x}{blue:02x}'
    is_confirmed = finding.state is FindingState.CONFIRMED
    feature = _feature(
        marker_text(finding).replace('\n', ', '),
        {'type': 'Polygon', 'coordinates': [_circle(place)]},
        color=colour,
        weight=2 if is_confirmed else 1,
        fillOpacity=0.5 if is_confirmed else 0.1,
    )
    feature['id'] = finding.number if finding.number > 0 else str(finding.uuid)
    feature['properties'] |= {
        'class': finding.class_name,
        'probability': round(finding.existence * finding.class_probability, 3),
        'state': finding.state.value,
        'radius95_m': round(place.radius95_m, 2),
    }
    return feature


def _feature(name: str, geometry: dict[str, Any], **style: object) -> dict[str, Any]:
    return {
        'type': 'Feature',
        'geometry': geometry,
        'properties': {'name': name, 'style': style},
    }


def _geometry(area: InspectionArea) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        shapely.to_geojson(shapely.set_precision(area.polygons, 10.0**-_DIGITS))
    )
    return found


def _circle(place: FindingPlace) -> list[list[float]]:
    radius_deg = max(place.radius95_m, _LEAST_RADIUS_M) / _METRES_PER_DEGREE
    wide_deg = radius_deg / math.cos(math.radians(place.latitude_deg))
    ring = [
        _point(place.longitude_deg + wide_deg * x, place.latitude_deg + radius_deg * y)
        for x, y in _CIRCLE
    ]
    return [*ring, ring[0]]


def _point(longitude_deg: float, latitude_deg: float) -> list[float]:
    return [round(longitude_deg, _DIGITS), round(latitude_deg, _DIGITS)]
