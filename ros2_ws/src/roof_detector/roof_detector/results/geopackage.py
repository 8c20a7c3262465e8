# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports detections as a GeoPackage, which QGIS, ArcGIS and GDAL open as layers.

The format is that of OGC 12-128r18 (GeoPackage 1.3.1), written with SQLite.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

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

_APPLICATION_ID = 0x47504B47  # "GPKG", requirement 2
_USER_VERSION = 10301
_WGS84 = 4326
_WGS84_WKT = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,'
    'AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,'
    'AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],'
    'AUTHORITY["EPSG","4326"]]'
)
_TABLES = """
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '', last_change DATETIME NOT NULL, min_x DOUBLE, min_y DOUBLE,
  max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
"""
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
            self._database.execute(f'PRAGMA application_id = {_APPLICATION_ID}')
            self._database.execute(f'PRAGMA user_version = {_USER_VERSION}')
            self._database.executescript(_TABLES)
            self._database.executemany(
                'INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)',
                (
                    ('Undefined Cartesian', -1, 'NONE', -1, 'undefined', None),
                    ('Undefined geographic', 0, 'NONE', 0, 'undefined', None),
                    ('WGS 84', _WGS84, 'EPSG', _WGS84, _WGS84_WKT, None),
                ),
            )
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
        columns = ', '.join(f'"{column}" {kind}' for column, kind in _COLUMNS.items())
        database.execute(
            f'CREATE TABLE {name} (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, '
            f'geom {kind}, {columns})'
        )
        database.execute(
            'INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change, srs_id) '
            "VALUES (?, 'features', ?, ?, ?)",
            (name, name, _FIRST_CHANGE, _WGS84),
        )
        database.execute(
            "INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, ?, 0, 0)",
            (name, kind, _WGS84),
        )

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
        left, bottom, right, top = self._extent or (None,) * 4
        self._database.execute(
            'UPDATE gpkg_contents SET last_change = ?, min_x = ?, min_y = ?, max_x = ?, '
            'max_y = ? WHERE table_name = ?',
            (last_change, left, bottom, right, top, self._name),
        )

    def _geometry(self, positions: tuple[Position, ...]) -> bytes:
        """Return a geometry as in 2.1.3: a header with an envelope, and well-known binary."""
        longitudes, latitudes = zip(*positions, strict=True)
        box = min(longitudes), min(latitudes), max(longitudes), max(latitudes)
        before = self._extent or box
        self._extent = (
            *(min(a, b) for a, b in zip(before[:2], box[:2], strict=True)),
            *(max(a, b) for a, b in zip(before[2:], box[2:], strict=True)),
        )
        head = struct.pack('<2sBBi', b'GP', 0, 0b11, _WGS84)
        envelope = struct.pack('<4d', box[0], box[2], box[1], box[3])
        flat = [value for position in positions for value in position]
        if self._kind == 'POINT':
            body = struct.pack('<BI2d', 1, 1, *flat)
        else:
            body = struct.pack(f'<BIII{len(flat)}d', 1, 3, 1, len(positions), *flat)
        return head + envelope + body


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
