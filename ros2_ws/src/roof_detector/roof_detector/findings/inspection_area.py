# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The area of an inspection: findings outside it are kept apart."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import shapely
from shapely.geometry import shape

from roof_detector.findings.errors import FindingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from roof_detector.findings.roof_finding import RoofFinding

_LARGEST_FILE = 20_000_000
POLYGON_KINDS = ('Polygon', 'MultiPolygon')
_DAMAGED = (
    *(ValueError, TypeError, LookupError, RecursionError),
    *(ElementTree.ParseError, shapely.errors.ShapelyError),
)


@dataclass(frozen=True)
class InspectionArea:
    """Polygons in longitude and latitude on WGS 84."""

    polygons: BaseGeometry

    @classmethod
    def read(cls, path: Path) -> InspectionArea:
        """Read the polygons of a GeoJSON or KML file; raise FindingsError without any."""
        try:
            if path.stat().st_size > _LARGEST_FILE:
                msg = f'{path} has over {_LARGEST_FILE // 10**6} MB, too much for an outline.'
                raise FindingsError(msg)
            text = path.read_text(encoding='utf-8-sig')
        except (OSError, UnicodeDecodeError) as error:
            msg = f'{path} is no area ({error}); give polygons as GeoJSON or KML.'
            raise FindingsError(msg) from error
        return cls.of_text(text, str(path))

    @classmethod
    def of_text(cls, text: str, where: str) -> InspectionArea:
        """Return the polygons of GeoJSON or KML; raise FindingsError, which names `where`."""
        try:
            found = list(_kml(text) if text.lstrip().startswith('<') else _geojson(text))
            polygons = shapely.union_all([shapely.make_valid(one) for one in found])
        except _DAMAGED as error:
            msg = f'{where} is no area ({error}); give polygons as GeoJSON or KML.'
            raise FindingsError(msg) from error
        if polygons.is_empty or not polygons.area > 0:
            msg = f'{where} holds no polygon; draw the outline of what is to be inspected.'
            raise FindingsError(msg)
        west, south, east, north = polygons.bounds
        if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            msg = (
                f'{where} reaches from {west}, {south} to {east}, {north}, which is not longitude '
                'and latitude in degrees; export it in WGS 84 (EPSG:4326).'
            )
            raise FindingsError(msg)
        return cls(polygons)

    def mark(self, findings: Sequence[RoofFinding]) -> tuple[RoofFinding, ...]:
        """Return the findings, with those outside marked; without a place none is."""
        return tuple(
            replace(one, is_outside=not self._contains(one)) if one.place is not None else one
            for one in findings
        )

    def _contains(self, finding: RoofFinding) -> bool:
        assert finding.place is not None
        spot = shapely.Point(finding.place.longitude_deg, finding.place.latitude_deg)
        return bool(self.polygons.covers(spot))


def _geojson(text: str) -> Iterator[BaseGeometry]:
    content = json.loads(text)
    pending: list[Any] = [content]
    while pending:
        one = pending.pop()
        if not isinstance(one, dict):
            continue
        pending += one.get('features') or []
        pending += one.get('geometries') or []
        pending.append(one.get('geometry'))
        if one.get('type') in POLYGON_KINDS:
            yield shape(one)


def _kml(text: str) -> Iterator[BaseGeometry]:
    if '<!DOCTYPE' in text or '<!ENTITY' in text:
        msg = 'it defines entities, which no outline needs'
        raise ValueError(msg)
    for polygon in ElementTree.fromstring(text).iter():
        if _name(polygon) != 'Polygon':
            continue
        outer: list[tuple[float, float]] = []
        inner: list[list[tuple[float, float]]] = []
        for boundary in polygon:
            rings = [_ring(one.text) for one in boundary.iter() if _name(one) == 'coordinates']
            if _name(boundary) == 'outerBoundaryIs' and rings:
                outer = rings[0]
            elif _name(boundary) == 'innerBoundaryIs':
                inner += rings
        yield shapely.Polygon(outer, inner)


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition('}')[2]


def _ring(text: str | None) -> list[tuple[float, float]]:
    corners: Iterable[list[str]] = (word.split(',') for word in (text or '').split())
    return [(float(corner[0]), float(corner[1])) for corner in corners]
