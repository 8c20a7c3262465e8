# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The tables that make a SQLite file a GeoPackage (OGC 12-128r19), and its geometries."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

WGS84 = 4326
_APPLICATION_ID = 0x47504B47  # 'GPKG'
_PLAIN, _WITH_ENVELOPE = 0x01, 0x03  # flags of 2.1.3, little-endian
_POINT, _POLYGON = 1, 3  # kinds of well-known binary
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


def create_geopackage(connection: sqlite3.Connection, *, version: int) -> None:
    """Write the tables that every GeoPackage has into an empty database.

    `version` is the GeoPackage's own, such as 10300 for 1.3.
    """
    connection.execute(f'PRAGMA application_id = {_APPLICATION_ID}')
    connection.execute(f'PRAGMA user_version = {version}')
    for statement in _TABLES.split(';'):
        if statement.strip():
            connection.execute(statement)
    connection.executemany(
        'INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)',
        [
            ('Undefined cartesian', -1, 'NONE', -1, 'undefined', None),
            ('Undefined geographic', 0, 'NONE', 0, 'undefined', None),
            ('WGS 84', WGS84, 'EPSG', WGS84, _WKT, 'longitude and latitude'),
        ],
    )


def create_layer(
    connection: sqlite3.Connection,
    name: str,
    columns: Sequence[tuple[str, str]],
    *,
    geometry: str = '',
    description: str = '',
) -> None:
    """Make a table of (name, SQLite type) columns and register it.

    Without `geometry`, such as POINT or POLYGON, it has attributes alone; with it a column `geom`.
    """
    listed = ', '.join(f'"{column}" {kind}' for column, kind in columns)
    shape = f', geom {geometry}' if geometry else ''
    connection.execute(
        f'CREATE TABLE "{name}" (fid INTEGER PRIMARY KEY AUTOINCREMENT{shape}, {listed})'
    )
    kind = 'features' if geometry else 'attributes'
    connection.execute(
        'INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) '
        'VALUES (?, ?, ?, ?, ?)',
        (name, kind, name, description, WGS84 if geometry else None),
    )
    if geometry:
        connection.execute(
            "INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, ?, 0, 0)",
            (name, geometry, WGS84),
        )


def set_extent(
    connection: sqlite3.Connection,
    name: str,
    corners: Sequence[float | None],
    *,
    last_change: str | None = None,
) -> None:
    """Write the bounding box of a layer: least longitude and latitude, then the greatest.

    `last_change` is a time as the standard writes it, now by default.
    """
    connection.execute(
        'UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ?, last_change = '
        "coalesce(?, strftime('%Y-%m-%dT%H:%M:%fZ','now')) WHERE table_name = ?",
        (*corners, last_change, name),
    )


def point(
    longitude_deg: float, latitude_deg: float, *, envelope: Sequence[float] | None = None
) -> bytes:
    """Return a point as a geometry; `envelope` is west, south, east and north."""
    return _header(envelope) + struct.pack('<BIdd', 1, _POINT, longitude_deg, latitude_deg)


def polygon(
    rings: Sequence[Sequence[tuple[float, float]]], *, envelope: Sequence[float] | None = None
) -> bytes:
    """Return a polygon of closed rings of longitude and latitude, `envelope` as of a point."""
    parts = [struct.pack('<BII', 1, _POLYGON, len(rings))]
    for ring in rings:
        flat = [value for corner in ring for value in corner]
        parts.append(struct.pack(f'<I{len(flat)}d', len(ring), *flat))
    return _header(envelope) + b''.join(parts)


def outer_ring(geometry: bytes) -> tuple[tuple[float, float], ...]:
    """Return the closed outer ring of a polygon that has no envelope."""
    begin = struct.calcsize('<2sBBi') + struct.calcsize('<BII')
    (count,) = struct.unpack_from('<I', geometry, begin)
    flat = struct.unpack_from(f'<{2 * count}d', geometry, begin + 4)
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def _header(envelope: Sequence[float] | None) -> bytes:
    if envelope is None:
        return struct.pack('<2sBBi', b'GP', 0, _PLAIN, WGS84)
    west, south, east, north = envelope
    head = struct.pack('<2sBBi', b'GP', 0, _WITH_ENVELOPE, WGS84)
    return head + struct.pack('<4d', west, east, south, north)
