# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The tables of a fleet's store: their columns, and the metadata that make them GeoParquet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from roof_detector.findings.store_layers import (
    COVERAGE,
    DECISIONS,
    EVENTS,
    FINDINGS,
    FRAMES,
    PROVENANCE,
    SIGHTINGS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.findings.geopackage import Layer

FORMAT = 'roof_detector fleet store'
VERSION = 1
_GEOPARQUET = '1.1.0'
GEOMETRY = 'geometry'
_TYPES = {
    'TEXT': pa.string(),
    'INTEGER': pa.int64(),
    'REAL': pa.float64(),
    'BOOLEAN': pa.bool_(),
}
_SHAPES = {'POINT': 'Point', 'POLYGON': 'Polygon'}
_FLIGHT = (('flight_id', pa.string()),)
_DEGREES = (('longitude_deg', pa.float64()), ('latitude_deg', pa.float64()))


@dataclass(frozen=True, kw_only=True)
class StoreTable:
    """A table of the store: a Parquet file for each flight, or for each site.

    `layer` is the one of `inspection.gpkg` that its rows are of, with the same columns.
    `shape` is that of its geometries in WGS 84 (longitude, latitude), '' without any.
    """

    name: str
    columns: tuple[tuple[str, pa.DataType], ...]
    shape: str = ''
    layer: Layer | None = None
    by_date: bool = True
    description: str = ''

    @classmethod
    def of_layer(cls, layer: Layer, *, with_degrees: bool = False) -> StoreTable:
        """Return the table of a layer; with degrees, a point's place is in columns too."""
        own = tuple((name, _TYPES[kind.split()[0]]) for name, kind in layer.columns)
        own = tuple(column for column in own if not with_degrees or column not in _DEGREES)
        return cls(
            name=layer.name,
            columns=(*_FLIGHT, *own, *(_DEGREES if with_degrees else ())),
            shape=_SHAPES.get(layer.geometry, ''),
            layer=layer,
            description=layer.description,
        )

    def schema(self, extent: Sequence[float] = ()) -> pa.Schema:
        """Return the schema; `extent` is west, south, east and north of all geometries."""
        fields = [pa.field(name, kind) for name, kind in self.columns]
        metadata = {'roof_detector.fleet': str(VERSION)}
        if self.shape:
            fields.append(pa.field(GEOMETRY, pa.binary()))
            column: dict[str, Any] = {'encoding': 'WKB', 'geometry_types': [self.shape]}
            if extent:
                column['bbox'] = list(extent)
            metadata['geo'] = json.dumps(
                {
                    'version': _GEOPARQUET,
                    'primary_column': GEOMETRY,
                    'columns': {GEOMETRY: column},  # without a crs it is OGC:CRS84
                },
                sort_keys=True,
            )
        return pa.schema(fields, metadata=metadata)

    def path(self, *, site: str, date: str, flight_id: str) -> str:
        """Return the path of the file below the store."""
        if self.by_date:
            return f'{self.name}/site={site}/date={date}/{flight_id}.parquet'
        return f'{self.name}/site={site}/{self.name}.parquet'


FLIGHTS_TABLE = StoreTable(
    name='flights',
    columns=(
        *_FLIGHT,
        ('name', pa.string()),
        ('key', pa.string()),  # of content, model and parameters
        ('content_sha256', pa.string()),
        ('model', pa.string()),
        ('model_sha256', pa.string()),
        ('first_ns', pa.int64()),
        ('last_ns', pa.int64()),
        ('frames', pa.int64()),
        ('unreadable', pa.int64()),
        ('detections', pa.int64()),
        ('findings', pa.int64()),
        ('confirmed', pa.int64()),
        ('decisions', pa.int64()),
        ('warnings', pa.string()),  # JSON, as the notes
        ('notes', pa.string()),
        *_DEGREES,
    ),
    shape='Polygon',
    description='every flight: when, where, by which model, and how much it found',
)
HISTORY_TABLE = StoreTable(
    name='history',
    columns=(
        ('object_id', pa.string()),  # the uuid of its first finding, and that one's flight
        ('date', pa.string()),
        *_FLIGHT,
        ('uuid', pa.string()),  # of the finding in that flight, none where it was not seen
        ('number', pa.int64()),
        ('class', pa.string()),
        ('change', pa.string()),
        ('compared_with', pa.string()),
        ('reason', pa.string()),
        ('state', pa.string()),
        ('severity', pa.string()),
        ('area_m2', pa.float64()),
        ('area_error_m2', pa.float64()),
        ('length_m', pa.float64()),
        ('first_date', pa.string()),
        *_DEGREES,
    ),
    shape='Point',
    by_date=False,
    description='what became of each object from flight to flight',
)
SITES_TABLE = StoreTable(
    name='sites',
    columns=(
        ('flights', pa.int64()),
        ('first_date', pa.string()),
        ('last_date', pa.string()),
        *_DEGREES,
    ),
    shape='Polygon',
    by_date=False,
    description='every site, with the outline of what its flights showed',
)
FINDINGS_TABLE = StoreTable.of_layer(FINDINGS, with_degrees=True)
SIGHTINGS_TABLE = StoreTable.of_layer(SIGHTINGS, with_degrees=True)
FRAMES_TABLE = StoreTable.of_layer(FRAMES)
COVERAGE_TABLE = StoreTable.of_layer(COVERAGE)
DECISIONS_TABLE = StoreTable.of_layer(DECISIONS)
EVENTS_TABLE = StoreTable.of_layer(EVENTS)
PROVENANCE_TABLE = StoreTable.of_layer(PROVENANCE)
# Those that a flight's inspection.gpkg gives.
LAYER_TABLES = (
    *(FINDINGS_TABLE, SIGHTINGS_TABLE, FRAMES_TABLE, COVERAGE_TABLE),
    *(DECISIONS_TABLE, EVENTS_TABLE, PROVENANCE_TABLE),
)
TABLES = {
    table.name: table for table in (FLIGHTS_TABLE, *LAYER_TABLES, HISTORY_TABLE, SITES_TABLE)
}
