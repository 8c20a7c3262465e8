# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Outlines of buildings on a map, in pixels of an orthophoto."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyproj import Transformer

from training.dataset.error import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from training.dataset.instance import Floats


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """An orthophoto's edges in degrees of WGS 84; its pixels are even in web Mercator."""

    north: float
    west: float
    south: float
    east: float

    @classmethod
    def read(cls, path: Path) -> Bounds:
        """Read a JSON file with the keys north, west, south and east."""
        content = json.loads(path.read_text(encoding='utf-8'))
        try:
            return cls(**{key: float(content[key]) for key in ('north', 'west', 'south', 'east')})
        except (KeyError, TypeError, ValueError) as error:
            msg = f'{path} does not state north, west, south and east in degrees ({error}).'
            raise DatasetError(msg) from error


def read_outlines(path: Path, bounds: Bounds, size_wh: tuple[int, int]) -> list[Floats]:
    """Return the outer rings (n, 2) of a GeoJSON file's polygons in pixels, x right, y down."""
    to_mercator = Transformer.from_crs('EPSG:4326', 'EPSG:3857', always_xy=True)
    corner = np.array(to_mercator.transform(bounds.west, bounds.north))
    opposite = np.array(to_mercator.transform(bounds.east, bounds.south))
    outlines = []
    for feature in json.loads(path.read_text(encoding='utf-8'))['features']:
        geometry = feature['geometry']
        parts = {'Polygon': lambda c: [c], 'MultiPolygon': list}.get(geometry['type'])
        if parts is None:
            msg = f'{path} holds a {geometry["type"]}, expected polygons only.'
            raise DatasetError(msg)
        for rings in parts(geometry['coordinates']):
            longitude, latitude = np.array(rings[0], dtype=np.float64)[:-1, :2].T
            points = np.stack(to_mercator.transform(longitude, latitude), axis=1)
            outlines.append((points - corner) / (opposite - corner) * size_wh)
    return outlines
