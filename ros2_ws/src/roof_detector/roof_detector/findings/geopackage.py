# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A GeoPackage (OGC 12-128r19): a SQLite file with layers that every map program opens."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roof_detector.findings.errors import FindingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_APPLICATION_ID = 0x47504B47  # 'GPKG'
_VERSION = 10_300  # GeoPackage 1.3
_WGS84 = 4326
_PATIENCE_S = 5.0
_HEADER = struct.pack('<2sBBi', b'GP', 0, 1, _WGS84)  # little-endian, without an envelope
_EMPTY_HEADER = struct.pack('<2sBBi', b'GP', 0, 0x11, _WGS84)
_WKT = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG",'
    '"7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT['
    '"degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]]'
)
_TABLES = """
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE,
  srs_id INTEGER REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL REFERENCES gpkg_contents(table_name), column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL REFERENCES gpkg_spatial_ref_sys(srs_id),
  z TINYINT NOT NULL, m TINYINT NOT NULL, PRIMARY KEY (table_name, column_name));
"""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A table of a GeoPackage: its columns with their SQLite types, and its kind of geometry.

    Without `geometry`, such as POINT or POLYGON, it has attributes alone.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    geometry: str = ''
    description: str = ''

    def create(self, connection: sqlite3.Connection) -> None:
        """Make the table and register it."""
        columns = ', '.join(f'"{name}" {kind}' for name, kind in self.columns)
        geometry = f', geom {self.geometry}' if self.geometry else ''
        connection.execute(
            f'CREATE TABLE "{self.name}" (fid INTEGER PRIMARY KEY AUTOINCREMENT{geometry}, '
            f'{columns})'
        )
        kind = 'features' if self.geometry else 'attributes'
        connection.execute(
            'INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) '
            'VALUES (?, ?, ?, ?, ?)',
            (self.name, kind, self.name, self.description, _WGS84 if self.geometry else None),
        )
        if self.geometry:
            connection.execute(
                'INSERT INTO gpkg_geometry_columns VALUES (?, ?, ?, ?, 0, 0)',
                (self.name, 'geom', self.geometry, _WGS84),
            )

    def insert(
        self, connection: sqlite3.Connection, values: Sequence[Any], geometry: bytes | None = None
    ) -> None:
        """Add a row; `values` are in the order of the columns."""
        names = [name for name, _ in self.columns]
        row = list(values)
        if self.geometry:
            names, row = ['geom', *names], [geometry, *row]
        listed = ', '.join(f'"{name}"' for name in names)
        marks = ', '.join('?' * len(names))
        connection.execute(f'INSERT INTO "{self.name}" ({listed}) VALUES ({marks})', row)


def create_geopackage(connection: sqlite3.Connection) -> None:
    """Write the tables that every GeoPackage has into an empty database."""
    connection.execute(f'PRAGMA application_id = {_APPLICATION_ID}')
    connection.execute(f'PRAGMA user_version = {_VERSION}')
    for statement in _TABLES.split(';'):
        if statement.strip():
            connection.execute(statement)
    connection.executemany(
        'INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)',
        [
            ('Undefined cartesian', -1, 'NONE', -1, 'undefined', None),
            ('Undefined geographic', 0, 'NONE', 0, 'undefined', None),
            ('WGS 84', _WGS84, 'EPSG', _WGS84, _WKT, 'longitude and latitude'),
        ],
    )


def connect(path: Path) -> sqlite3.Connection:
    """Open a file for writing; decisions are on the disk when their transaction ends."""
    connection = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)
    connection.execute('PRAGMA synchronous = FULL')
    connection.execute('PRAGMA journal_mode = WAL')
    return connection


def update_extents(connection: sqlite3.Connection, layer: Layer, corners: Sequence[float]) -> None:
    """Write the bounding box of a layer: least longitude and latitude, then the greatest."""
    connection.execute(
        'UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ?, '
        "last_change = strftime('%Y-%m-%dT%H:%M:%fZ','now') WHERE table_name = ?",
        (*corners, layer.name),
    )


def point(longitude_deg: float, latitude_deg: float) -> bytes:
    """Return a point as a GeoPackage's geometry."""
    return _HEADER + struct.pack('<BIdd', 1, 1, longitude_deg, latitude_deg)


def polygon(rings: Sequence[Sequence[tuple[float, float]]]) -> bytes:
    """Return a polygon of rings of longitude and latitude, each of which is closed here."""
    if not rings or not rings[0]:
        return _EMPTY_HEADER + struct.pack('<BII', 1, 3, 0)
    parts = [struct.pack('<BII', 1, 3, len(rings))]
    for ring in rings:
        closed = [*ring, ring[0]]
        parts.append(struct.pack('<I', len(closed)))
        parts += [struct.pack('<dd', *corner) for corner in closed]
    return _HEADER + b''.join(parts)


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn the errors of SQLite into a FindingsError about a file."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        text = str(error)
        if 'locked' in text or 'busy' in text:
            remedy = 'Another program writes to it; close that one, or wait, and try again.'
        elif 'disk is full' in text or 'disk I/O' in text:
            remedy = 'Free some space, or check the disk, and try again.'
        elif 'readonly' in text or 'unable to open' in text:
            remedy = 'Name a folder that exists and that you may write to.'
        else:
            remedy = (
                'It is damaged or no inspection; restore it from a copy, or name another folder.'
            )
        msg = f'{path} cannot be used ({text}). {remedy}'
        raise FindingsError(msg) from error
