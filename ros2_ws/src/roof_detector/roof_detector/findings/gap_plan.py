# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What was not seen well enough, as polygons and as a mission that flies exactly there."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from shapely.geometry.base import BaseGeometry

    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

_OVERLAP = 0.7
_LEAST_AREA_M2 = 1.0
# MAVLink: MAV_CMD_NAV_WAYPOINT, ..._RETURN_TO_LAUNCH, ..._TAKEOFF, MAV_CMD_DO_SET_CAM_TRIGG_DIST.
_WAYPOINT, _RETURN, _TAKE_OFF, _TRIGGER = 16, 20, 22, 206
# MAV_FRAME_MISSION for commands without a place, MAV_FRAME_GLOBAL_RELATIVE_ALT: above take-off.
_NO_PLACE, _RELATIVE = 2, 3
_AT_RELATIVE_ALTITUDE = 1  # QGroundControl's AltitudeMode of a waypoint


@dataclass(frozen=True, eq=False, kw_only=True)
class GapPlan:
    """Gaps in metres east and north of an origin, and waypoints (n, 2) that see them.

    Waypoints lie `height_m` above the roofs, and those `roofs_up_m` above the place of take-off,
    from which a mission counts. An image is taken every `trigger_m` on the way.
    """

    gaps: tuple[shapely.Polygon, ...]
    waypoints_en: npt.NDArray[np.float64]
    height_m: float
    origin: LocalTangentPlane
    trigger_m: float
    roofs_up_m: float = 0.0

    @classmethod
    def over(
        cls,
        gaps: BaseGeometry,
        *,
        height_m: float,
        footprint_wh_m: tuple[float, float],
        origin: LocalTangentPlane,
        roofs_up_m: float = 0.0,
    ) -> GapPlan:
        """Plan lines over gaps, each along its longer side.

        Images overlap by 70 % along the lines and from line to line, whichever way the camera is
        turned.
        """
        parts = [one for one in getattr(gaps, 'geoms', [gaps]) if isinstance(one, shapely.Polygon)]
        kept = tuple(one for one in parts if one.area >= _LEAST_AREA_M2)
        spacing = max(min(footprint_wh_m) * (1 - _OVERLAP), 0.5)
        lines = [_lines(one, spacing) for one in kept]
        waypoints = np.concatenate(lines) if lines else np.zeros((0, 2))
        return cls(
            gaps=kept,
            waypoints_en=waypoints,
            height_m=height_m,
            origin=origin,
            trigger_m=spacing,
            roofs_up_m=roofs_up_m,
        )

    def write(self, folder: Path) -> tuple[Path, ...]:
        """Write gaps.geojson, gaps.kml and gaps.plan (QGroundControl)."""
        rings = [[self._degrees(np.array(ring.coords)) for ring in _rings(g)] for g in self.gaps]
        features = [
            {
                'type': 'Feature',
                'id': number,
                'geometry': {'type': 'Polygon', 'coordinates': one},
                'properties': {'area_m2': round(gap.area, 1)},
            }
            for number, (one, gap) in enumerate(zip(rings, self.gaps, strict=True), start=1)
        ]
        geojson = {'type': 'FeatureCollection', 'features': features}
        files = {
            'gaps.geojson': json.dumps(geojson, indent=1),
            'gaps.kml': _kml(rings),
            'gaps.plan': json.dumps(self._mission(), indent=1),
        }
        for name, text in files.items():
            (folder / name).write_text(text + '\n', encoding='utf-8')
        return tuple(folder / name for name in files)

    def _degrees(self, points_en: npt.NDArray[np.float64]) -> list[list[float]]:
        enu = np.column_stack([points_en, np.zeros(len(points_en))])
        found = self.origin.to_geodetic(enu)
        return [[round(float(one[1]), 8), round(float(one[0]), 8)] for one in found]

    def _mission(self) -> dict[str, Any]:
        """Return a plan as in QGroundControl's developer guide, file format Plan, version 1.

        Camera triggers stop before the way home.
        """
        places = self._degrees(self.waypoints_en)
        height = round(self.height_m + self.roofs_up_m, 1)
        every = round(self.trigger_m, 2)
        items = []
        for number, (longitude, latitude) in enumerate(places):
            where = [latitude, longitude, height]
            if number == 0:
                items.append(_item(1, _TAKE_OFF, [0, 0, 0, None, *where]))
            items.append(_item(len(items) + 1, _WAYPOINT, [0, 0, 0, None, *where]))
            if number == 0:
                items.append(_item(3, _TRIGGER, [every, 0, 1, 0, 0, 0, 0]))
        if places:
            items.append(_item(len(items) + 1, _TRIGGER, [0, 0, 0, 0, 0, 0, 0]))
        items.append(_item(len(items) + 1, _RETURN, [0, 0, 0, 0, 0, 0, 0]))
        home = [self.origin.latitude_deg, self.origin.longitude_deg]
        return {
            'fileType': 'Plan',
            'version': 1,
            'groundStation': 'QGroundControl',
            'geoFence': {'version': 2, 'circles': [], 'polygons': []},
            'rallyPoints': {'version': 2, 'points': []},
            'mission': {
                'version': 2,
                'firmwareType': 12,
                'vehicleType': 2,
                'cruiseSpeed': 3,
                'hoverSpeed': 3,
                'globalPlanAltitudeMode': _AT_RELATIVE_ALTITUDE,
                'plannedHomePosition': [*home, 0],
                'items': items,
            },
        }


def _item(number: int, command: int, parameters: list[float | None]) -> dict[str, Any]:
    has_place = command in (_WAYPOINT, _TAKE_OFF)
    altitude = {
        'AMSLAltAboveTerrain': None,
        'Altitude': parameters[6],
        'AltitudeMode': _AT_RELATIVE_ALTITUDE,
    }
    return {
        **(altitude if has_place else {}),
        'type': 'SimpleItem',
        'autoContinue': True,
        'command': command,
        'doJumpId': number,
        'frame': _RELATIVE if has_place else _NO_PLACE,
        'params': parameters,
    }


def _rings(polygon: shapely.Polygon) -> list[Any]:
    """Return the rings of a polygon, the outer one anticlockwise (RFC 7946)."""
    turned = shapely.geometry.polygon.orient(polygon)
    return [turned.exterior, *turned.interiors]


def _lines(gap: shapely.Polygon, spacing_m: float) -> npt.NDArray[np.float64]:
    """Return waypoints (n, 2) back and forth along the longer side of a gap's rectangle."""
    corners = np.array(gap.minimum_rotated_rectangle.exterior.coords)[:4]
    along, across = corners[1] - corners[0], corners[3] - corners[0]
    if np.linalg.norm(across) > np.linalg.norm(along):
        along, across = across, along
    count = max(math.ceil(float(np.linalg.norm(across)) / spacing_m), 1)
    points = []
    for line in range(count):
        begin = corners[0] + (line + 0.5) / count * across
        ends = [begin, begin + along]
        points += ends if line % 2 == 0 else ends[::-1]
    return np.array(points)


def _kml(rings: list[list[list[list[float]]]]) -> str:
    places = []
    for number, one in enumerate(rings, start=1):
        texts = [' '.join(f'{x},{y}' for x, y in ring) for ring in one]
        boundaries = ''.join(
            f'<{kind}><LinearRing><coordinates>{text}</coordinates></LinearRing></{kind}>'
            for kind, text in zip(
                ['outerBoundaryIs', *['innerBoundaryIs'] * (len(texts) - 1)], texts, strict=True
            )
        )
        places.append(
            f'<Placemark><name>gap {number}</name><Polygon>{boundaries}</Polygon></Placemark>'
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2">'
        f'<Document><name>gaps</name>{"".join(places)}</Document></kml>'
    )
