# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports detections as a GeoPackage, which QGIS, ArcGIS and GDAL open as layers.

The format is that of OGC 12-128r18 (GeoPackage 1.3.1), written with SQLite.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

from roof_detector.georeference.geopackage import (
    create_geopackage,
    create_layer,
    point,
    polygon,
    set_extent,
)
from roof_detector.inputs.input_files import readable
from roof_detector.results.errors import export_errors
from roof_detector.results.exporter import Export
from roof_detector.results.map_features import MapFeatures

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from roof_detector.results.map_features import MapFeature, Position, Track
    from roof_detector.vision.frame_findings import FrameFindings

_VERSION = 10_301  # 1.3.1
_FIRST_CHANGE = '1970-01-01T00:00:00.000Z'
# Present in every layer, empty ones too; other properties add columns as they come.
_COLUMNS = {
    'id': 'TEXT',
    'class': 'TEXT',
    'confidence': 'REAL',
    'time': 'DATETIME',
    'name': 'TEXT',
    'error_m': 'REAL',
    'unlocated': 'TEXT',
}
_TYPES = {bool: 'BOOLEAN', int: 'INTEGER', float: 'REAL'}


class GeoPackageExport(Export):
    """Writes the layers `detections`, the boxes as polygons, and `points`, their centres.

    Both are on WGS 84 with the same attributes; a detection of unknown position has no geometry,
    and the reason in `unlocated`.
    """

    raises = (sqlite3.Error,)

    def __init__(
        self, path: Path, *, track: Track, pixel_px: float = 2.0, overwrite: bool = False
    ) -> None:
        super().__init__(path, overwrite=overwrite)
        self._features = MapFeatures(track, pixel_px=pixel_px)
        self._last_change = _FIRST_CHANGE
        with export_errors(path, sqlite3.Error):
            self._database = sqlite3.connect(self._products[0].part, isolation_level=None)
            # The file is moved to its name when it is complete: a journal would protect nothing.
            self._database.execute('PRAGMA journal_mode = OFF')
            create_geopackage(self._database, version=_VERSION)
            self._boxes = _Layer(self._database, 'detections', 'POLYGON')
            self._points = _Layer(self._database, 'points', 'POINT')
            self._database.execute('BEGIN')

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how many detections have no position."""
        return self._features.notes(
            self._products[0].path, 'the reason is in the attribute "unlocated" of each'
        )

    def _add(
        self, findings: FrameFindings, image_bgr: npt.NDArray[np.uint8] | None, encoded: bytes
    ) -> None:
        for feature in self._features.of(findings):
            values = _values(feature)
            self._last_change = str(values.get('time') or self._last_change)
            self._boxes.add(feature.ring, values)
            self._points.add(None if feature.point is None else (feature.point,), values)

    def _complete(self) -> None:
        for layer in (self._boxes, self._points):
            layer.complete(last_change=self._last_change)
        self._database.execute('COMMIT')
        self._database.close()

    def _release(self) -> None:
        with suppress(sqlite3.Error):
            self._database.close()


class _Layer:
    """A table of features with one kind of geometry, POINT or POLYGON."""

    def __init__(self, database: sqlite3.Connection, name: str, kind: str) -> None:
        self._database, self._name, self._kind = database, name, kind
        self._columns = list(_COLUMNS)
        self._extent: tuple[float, float, float, float] | None = None
        create_layer(database, name, tuple(_COLUMNS.items()), geometry=kind)

    def add(self, positions: tuple[Position, ...] | None, values: dict[str, object]) -> None:
        """Add a feature; None for `positions` leaves it without a geometry."""
        for column, value in values.items():
            if column not in self._columns and value is not None:
                kind = _TYPES.get(type(value), 'TEXT')
                self._database.execute(f'ALTER TABLE {self._name} ADD COLUMN "{column}" {kind}')
                self._columns.append(column)
        known = [column for column in values if column in self._columns]
        names = ', '.join(f'"{column}"' for column in known)
        places = ', '.join('?' for _ in known)
        geometry = None if positions is None else self._geometry(positions)
        self._database.execute(
            f'INSERT INTO {self._name} (geom, {names}) VALUES (?, {places})',
            (geometry, *(values[column] for column in known)),
        )

    def complete(self, *, last_change: str) -> None:
        """Write the extent of the layer."""
        corners = self._extent or (None,) * 4
        set_extent(self._database, self._name, corners, last_change=last_change)

    def _geometry(self, positions: tuple[Position, ...]) -> bytes:
        """Return a geometry with its envelope, and let the layer's extent hold it."""
        longitudes, latitudes = zip(*positions, strict=True)
        box = min(longitudes), min(latitudes), max(longitudes), max(latitudes)
        before = self._extent or box
        self._extent = (
            *(min(a, b) for a, b in zip(before[:2], box[:2], strict=True)),
            *(max(a, b) for a, b in zip(before[2:], box[2:], strict=True)),
        )
        if self._kind == 'POINT':
            return point(*positions[0], envelope=box)
        return polygon([positions], envelope=box)


def _values(feature: MapFeature) -> dict[str, object]:
    """Return the attributes of a feature as SQLite holds them."""
    values: dict[str, object] = {'id': feature.identity}
    for name, value in feature.properties.items():
        if isinstance(value, list | dict):
            values[name] = json.dumps(value)
        else:
            values[name] = readable(value) if isinstance(value, str) else value
    time = values.get('time')
    if isinstance(time, str):
        values['time'] = f'{time[:23]}Z'  # to the millisecond, table 1
    return values
