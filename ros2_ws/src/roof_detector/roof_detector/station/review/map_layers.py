# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the map shows beside findings: flight path, footprints, coverage, gaps, and the mosaic."""

from __future__ import annotations

import json
import math
import struct
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from roof_detector.findings.errors import FindingsError
from roof_detector.findings.store_reader import open_reader
from roof_detector.georeference.geopackage import outer_ring
from roof_detector.station.errors import StationError
from roof_detector.station.folders import open_below
from roof_detector.station.review.coverage_image import read_coverage

if TYPE_CHECKING:
    from pathlib import Path

# What `roof_detector report` makes of the frames, and `inspect` of the coverage.
_MOSAIC, _MOSAIC_PLACE, _GAPS = 'roof_mosaic.png', 'roof_mosaic.json', 'gaps.geojson'
_MOST_FOOTPRINTS, _MOST_POINTS, _MOST_GAPS = 400, 2000, 500
_MOST_BYTES, _MOST_MOSAIC_BYTES = 8_000_000, 100_000_000
_MOSAIC_PX, _MOSAIC_QUALITY = 1600, 50

Point = tuple[float, float]


def map_layers(path: Path) -> dict[str, Any]:
    """Return lines and outlines as latitude and longitude; raise FindingsError.

    Of many, every k-th is given, and `shown` says how many of how many.
    """
    with open_reader(path) as reader:
        frames = reader.rows(
            'SELECT flight, geom, camera_latitude_deg, camera_longitude_deg FROM frames '
            'ORDER BY flight, stamp_ns, fid'
        )
    outlines: list[list[Point]] = []
    paths: dict[str, list[Point]] = {}
    for flight, geometry, latitude, longitude in frames:
        if isinstance(geometry, bytes):
            outlines.append(_corners(path, geometry))
        if isinstance(latitude, float) and isinstance(longitude, float):
            point = (round(latitude, 7), round(longitude, 7))
            paths.setdefault(str(flight), []).append(point)
    footprints = _thinned(outlines, _MOST_FOOTPRINTS)
    coverage = read_coverage(path)
    return {
        'footprints': footprints,
        'shown': [len(footprints), len(outlines)],
        'paths': [_thinned(points, _MOST_POINTS) for points in paths.values()],
        'gaps': _gaps(path.parent),
        'mosaic': _mosaic_bounds(path.parent),
        'coverage': None if coverage is None else coverage.bounds_deg,
    }


def mosaic_webp(folder: Path) -> bytes:
    """Return the mosaic of an inspection, small enough for a slow link; raise StationError.

    It is clear where no image showed the roof.
    """
    with open_below(folder, _MOSAIC) as file:
        data = file.read(_MOST_MOSAIC_BYTES)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        msg = f'{_MOSAIC} of this inspection is no image; make the report again.'
        raise StationError(msg, status=404)
    if image.shape[1] > _MOSAIC_PX:
        height = max(1, round(image.shape[0] * _MOSAIC_PX / image.shape[1]))
        image = cv2.resize(image, (_MOSAIC_PX, height), interpolation=cv2.INTER_AREA)
    quality = [cv2.IMWRITE_WEBP_QUALITY, _MOSAIC_QUALITY]
    return cv2.imencode('.webp', image, quality)[1].tobytes()


def _corners(path: Path, geometry: bytes) -> list[Point]:
    try:
        ring = outer_ring(geometry)[:-1]
    except (struct.error, ValueError) as error:
        msg = f'{path} has a footprint that cannot be read; restore it from a copy.'
        raise FindingsError(msg) from error
    # A footprint has as many points on each side of the image; its corners are enough here.
    every = max(len(ring) // 4, 1)
    return [(round(latitude, 7), round(longitude, 7)) for longitude, latitude in ring[::every]]


def _thinned(items: list[Any], most: int) -> list[Any]:
    return items[:: max(math.ceil(len(items) / most), 1)]


def _gaps(folder: Path) -> list[list[Point]]:
    """Return the outer rings of the gaps, none where the file is missing or another."""
    found: list[list[Point]] = []
    try:
        with open_below(folder, _GAPS) as file:
            features = json.loads(file.read(_MOST_BYTES))['features']
        for feature in features[:_MOST_GAPS]:
            shape = feature['geometry']
            polygons = shape['coordinates']
            if shape['type'] == 'Polygon':
                polygons = [polygons]
            found += [
                [(round(float(y), 7), round(float(x), 7)) for x, y, *_ in polygon[0]]
                for polygon in polygons
            ]
    except (StationError, ValueError, KeyError, TypeError, IndexError, RecursionError):
        return []
    return found


def _mosaic_bounds(folder: Path) -> list[Point] | None:
    """Return the south-western and north-eastern corner, None without a mosaic."""
    try:
        with open_below(folder, _MOSAIC):
            pass
        with open_below(folder, _MOSAIC_PLACE) as file:
            west, south, east, north = map(float, json.loads(file.read(65536))['bounds_deg'])
    except (StationError, ValueError, KeyError, TypeError):
        return None
    if not all(map(math.isfinite, (west, south, east, north))):
        return None
    return [(south, west), (north, east)]
