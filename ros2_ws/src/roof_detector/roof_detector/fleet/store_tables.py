# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Rows as the bytes of a Parquet file: the layers of an inspection, and any others."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from roof_detector.fleet.store_schema import GEOMETRY, StoreTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from roof_detector.findings.store_reader import StoreReader

_ENVELOPE_BYTES = (0, 32, 48, 48, 64)  # of a GeoPackage's geometry, by the kind in its flags
_HEADER_BYTES = 8
_COMPRESSION = 'zstd'


def layer_table(reader: StoreReader, table: StoreTable, flight_id: str) -> pa.Table:
    """Return the rows of an inspection's layer in their order, with the flight in each."""
    assert table.layer is not None
    layer = table.layer
    names = ', '.join(f'"{name}"' for name, _ in layer.columns)
    shape = ', geom' if layer.geometry else ''
    found = reader.rows(f'SELECT {names}{shape} FROM "{layer.name}" ORDER BY fid')
    known = [name for name, _ in layer.columns]
    rows = []
    for values in found:
        row: dict[str, Any] = dict(zip(known, values, strict=False))
        row['flight_id'] = flight_id
        if layer.geometry:
            row[GEOMETRY] = well_known_binary(values[-1])
            if layer.geometry == 'POINT' and row[GEOMETRY] is not None:
                row['longitude_deg'], row['latitude_deg'] = struct.unpack(
                    '<dd', row[GEOMETRY][-16:]
                )
        rows.append(row)
    return rows_table(table, rows)


def rows_table(table: StoreTable, rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Return rows as a table; what a row lacks is null."""
    schema = table.schema(_extent(row.get(GEOMETRY) for row in rows))
    columns = []
    for column in schema:
        values = [row.get(column.name) for row in rows]
        if column.type == pa.bool_():  # SQLite keeps 0 and 1
            values = [None if value is None else bool(value) for value in values]
        columns.append(pa.array(values, column.type))
    return pa.Table.from_arrays(columns, schema=schema)


def parquet_bytes(table: pa.Table) -> bytes:
    """Return a table as the bytes of a Parquet file; the same rows give the same bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression=_COMPRESSION, version='2.6')
    return bytes(sink.getvalue())


def well_known_binary(geometry: bytes | None) -> bytes | None:
    """Return a GeoPackage's geometry without the header that it has before the standard's."""
    if geometry is None:
        return None
    return geometry[_HEADER_BYTES + _ENVELOPE_BYTES[(geometry[3] >> 1) & 7] :]


def _extent(geometries: Iterable[bytes | None]) -> tuple[float, ...]:
    found = [one for one in geometries if one is not None]
    if not found:
        return ()
    return tuple(float(value) for value in shapely.total_bounds(shapely.from_wkb(found)))
