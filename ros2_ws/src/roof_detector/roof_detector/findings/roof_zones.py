# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The zones of a roof: named polygons that figures are given for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import shapely
from shapely.geometry import shape

from roof_detector.findings.errors import FindingsError
from roof_detector.findings.inspection_area import POLYGON_KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from roof_detector.findings.roof_finding import RoofFinding

_LARGEST_FILE = 20_000_000
_MOST_ZONES = 200
_LONGEST_NAME = 80


@dataclass(frozen=True)
class RoofZone:
    """A part of the roof: its name, and polygons in longitude and latitude on WGS 84."""

    name: str
    polygons: BaseGeometry

    def contains(self, finding: RoofFinding) -> bool:
        """Return whether a finding lies in the zone; one without a place does not."""
        place = finding.place
        if place is None:
            return False
        return bool(self.polygons.covers(shapely.Point(place.longitude_deg, place.latitude_deg)))


def read_zones(path: Path) -> tuple[RoofZone, ...]:
    """Read the polygons of a GeoJSON file, each with its property `name`; raise FindingsError."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            msg = f'{path} has over {_LARGEST_FILE // 10**6} MB, too much for zones.'
            raise FindingsError(msg)
        content = json.loads(path.read_text(encoding='utf-8-sig'))
    except (OSError, ValueError, RecursionError) as error:
        msg = f'{path} is no GeoJSON ({error}); draw the zones in QGIS or on geojson.io.'
        raise FindingsError(msg) from error
    return zones_of(content, str(path))


def zones_of(content: Any, where: str) -> tuple[RoofZone, ...]:
    """Return the zones of parsed GeoJSON; raise FindingsError, which names `where` it is from."""
    features = content.get('features') if isinstance(content, dict) else None
    if not isinstance(features, list) or not features:
        msg = f'{where} holds no features; give a FeatureCollection with a polygon for each zone.'
        raise FindingsError(msg)
    if len(features) > _MOST_ZONES:
        msg = f'{where} holds {len(features)} zones, expected at most {_MOST_ZONES}.'
        raise FindingsError(msg)
    zones = tuple(_zone(one, f'{where}, feature {k}') for k, one in enumerate(features, 1))
    names = [zone.name for zone in zones]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        msg = f'{where} has two zones of the name {twice[0]!r}; give each its own.'
        raise FindingsError(msg)
    return zones


def _zone(feature: Any, where: str) -> RoofZone:
    geometry = feature.get('geometry') if isinstance(feature, dict) else None
    if not isinstance(geometry, dict) or geometry.get('type') not in POLYGON_KINDS:
        msg = f'{where} is no polygon; a zone is a Polygon or MultiPolygon.'
        raise FindingsError(msg)
    name = (feature.get('properties') or {}).get('name')
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME:
        msg = (
            f'{where} has the name {str(name)[:40]!r}, expected the property "name" with a text '
            f'of up to {_LONGEST_NAME} characters.'
        )
        raise FindingsError(msg)
    try:
        polygons = shapely.make_valid(shapely.force_2d(shape(geometry)))
        west, south, east, north = polygons.bounds
    except (ValueError, TypeError, KeyError, IndexError, shapely.errors.ShapelyError) as error:
        msg = f'{where} has a damaged geometry ({error}).'
        raise FindingsError(msg) from error
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90 and polygons.area > 0):
        msg = (
            f'{where} reaches from {west}, {south} to {east}, {north}, which is no area in '
            'longitude and latitude; export it in WGS 84 (EPSG:4326).'
        )
        raise FindingsError(msg)
    return RoofZone(name.strip(), polygons)
