# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Publishes inspections in the store's tables: sites, partitions and histories."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shapely

from roof_detector.findings.inspection_path import STORE_NAME
from roof_detector.findings.roof_finding import FindingState
from roof_detector.findings.store_reader import open_reader
from roof_detector.fleet.history import DatedInspection, history_rows
from roof_detector.fleet.sites import (
    UNDATED,
    UNPLACED,
    FlightGround,
    Site,
    assign_sites,
    outline_of,
)
from roof_detector.fleet.store_schema import (
    FINDINGS_TABLE,
    FLIGHTS_TABLE,
    FRAMES_TABLE,
    GEOMETRY,
    HISTORY_TABLE,
    LAYER_TABLES,
    SITES_TABLE,
)
from roof_detector.fleet.store_tables import layer_table, rows_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from roof_detector.fleet.fleet_store import FleetStore

INSPECTIONS = 'inspections'
FLIGHT_MARK = 'flight.json'
OLD = '.old'  # ends the name of an inspection that is being replaced
_BEGUN = 'work/publishing.json'
_DATE = re.compile(r'(?<!\d)(20\d\d)[-_]?(0[1-9]|1[0-2])[-_]?(0[1-9]|[12]\d|3[01])(?!\d)')
# Stamps before are of a clock that was never set, or count from the beginning of a video.
_EARLIEST_NS = 946_684_800 * 10**9


@dataclass(frozen=True, kw_only=True)
class PublishedFlights:
    """What publishing changed: flights whose files are new, and the sites that they show."""

    flights: tuple[str, ...]
    sites: tuple[str, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class _ReadFlight:
    """The rows of one inspection, in memory until its site is known."""

    row: dict[str, Any]
    date: str
    tables: Mapping[str, pa.Table]
    outline: shapely.Polygon | None


def publish(store: FleetStore) -> PublishedFlights:
    """Bring the tables up to date with the inspections that the store holds.

    Only inspections that are complete count. Those that are new, made again or decided upon since
    are written, and the history of their sites. A killed call is made good by the next one.
    """
    marks = flight_marks(store)
    known = {row['flight_id']: row for row in store.rows(FLIGHTS_TABLE.name)}
    flights = {
        flight_id: read
        for flight_id, mark in marks.items()
        if (read := _read(store, flight_id, mark, known.get(flight_id))) is not None
    }
    grounds = [
        FlightGround(flight_id, read.date, read.outline) for flight_id, read in flights.items()
    ]
    begun = _begun_sites(store)
    sites = assign_sites(_known_sites(store, known.values(), begun), grounds)
    site_of = {flight_id: site.name for site in sites for flight_id in site.flight_ids}
    touched = {*begun, *(site_of.get(flight_id, UNPLACED) for flight_id in flights)}
    if not touched:
        return PublishedFlights(flights=(), sites=())
    # A run that is killed from here on leaves it, so that the next one does these sites again.
    outlines = {site.name: site.outline.wkb.hex() for site in sites if site.name in touched}
    store.files.write(_BEGUN, json.dumps(outlines, sort_keys=True).encode())
    for flight_id, read in sorted(flights.items()):
        where = {
            'site': site_of.get(flight_id, UNPLACED),
            'date': read.date,
            'flight_id': flight_id,
        }
        for table in LAYER_TABLES:
            store.write(table, read.tables[table.name], **where)
        if flight_id in known:
            store.remove_moved(known[flight_id], **where)
        # Last, because it tells that the others are there.
        store.write(FLIGHTS_TABLE, rows_table(FLIGHTS_TABLE, [read.row]), **where)
    _write_sites(store, sites, touched)
    store.files.remove(_BEGUN)
    return PublishedFlights(flights=tuple(sorted(flights)), sites=tuple(sorted(touched)))


def flight_marks(store: FleetStore) -> dict[str, dict[str, Any]]:
    """Return what is known of each complete inspection, by the flight's id."""
    marks = {}
    for path in store.files.below(INSPECTIONS):
        if path.endswith(f'/{FLIGHT_MARK}') and path.count('/') == 2 and f'{OLD}/' not in path:
            content = store.files.read(path)
            if content is not None:
                marks[path.split('/')[1]] = json.loads(content)
    return marks


def _read(
    store: FleetStore, flight_id: str, mark: Mapping[str, Any], known: Mapping[str, Any] | None
) -> _ReadFlight | None:
    """Read an inspection, None where the tables have all of it."""
    name = f'{INSPECTIONS}/{flight_id}/{STORE_NAME}'
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, STORE_NAME)
        if store.files.folder is not None:
            path = store.files.folder / name
        elif known is not None and known['key'] == mark['key']:
            return None  # nobody decides on a file in an object store
        else:
            path.write_bytes(store.files.read(name) or b'')
        with open_reader(path) as reader:
            decisions = len(reader.decisions())
            if known is not None and (known['key'], known['decisions']) == (
                mark['key'],
                decisions,
            ):
                return None
            tables = {table.name: layer_table(reader, table, flight_id) for table in LAYER_TABLES}
    outline = outline_of(tables[FRAMES_TABLE.name].column(GEOMETRY).to_pylist())
    states = tables[FINDINGS_TABLE.name].column('state').to_pylist()
    outside = tables[FINDINGS_TABLE.name].column('outside').to_pylist()
    stamps = tables[FRAMES_TABLE.name].column('stamp_ns').to_pylist()
    row: dict[str, Any] = {
        **{column: mark.get(column) for column, _ in FLIGHTS_TABLE.columns},
        'flight_id': flight_id,
        'warnings': json.dumps(mark.get('warnings', [])),
        'notes': json.dumps(mark.get('notes', [])),
        'first_ns': min(stamps, default=None),
        'last_ns': max(stamps, default=None),
        'findings': len(states),
        'confirmed': sum(
            state == FindingState.CONFIRMED.value and not away
            for state, away in zip(states, outside, strict=True)
        ),
        'decisions': decisions,
    }
    if outline is not None:
        row['longitude_deg'], row['latitude_deg'] = outline.centroid.x, outline.centroid.y
        row[GEOMETRY] = shapely.to_wkb(outline)
    return _ReadFlight(row=row, date=_date(mark, stamps), tables=tables, outline=outline)


def _date(mark: Mapping[str, Any], stamps: Sequence[int]) -> str:
    """Return the day of a flight in UTC: by its frames, else by its name in the catalog."""
    moment_ns = mark.get('taken_ns')
    if moment_ns is None:
        moment_ns = next((stamp for stamp in stamps if stamp >= _EARLIEST_NS), None)
    if moment_ns is not None:
        return datetime.fromtimestamp(moment_ns // 10**9, timezone.utc).date().isoformat()
    found = _DATE.search(str(mark.get('name', '')))
    return '-'.join(found.groups()) if found else UNDATED


def _begun_sites(store: FleetStore) -> dict[str, str]:
    """Return the sites that a killed run left half written, each with its outline."""
    content = store.files.read(_BEGUN)
    return {} if content is None else dict(json.loads(content))


def _known_sites(
    store: FleetStore, flights: Iterable[Mapping[str, Any]], begun: Mapping[str, str]
) -> list[Site]:
    by_site: dict[str, list[str]] = {}
    for row in sorted(flights, key=lambda one: (one['date'], one['flight_id'])):
        by_site.setdefault(row['site'], []).append(row['flight_id'])
    outlines = {name: shapely.from_wkb(bytes.fromhex(outline)) for name, outline in begun.items()}
    outlines |= {
        row['site']: shapely.from_wkb(row[GEOMETRY]) for row in store.rows(SITES_TABLE.name)
    }
    return [
        Site(name, outline, tuple(by_site.get(name, ()))) for name, outline in outlines.items()
    ]


def _write_sites(store: FleetStore, sites: Sequence[Site], touched: set[str]) -> None:
    """Write the sites with new flights, and the history of each."""
    of_site: dict[str, list[dict[str, Any]]] = {}
    for row in store.rows(FLIGHTS_TABLE.name):
        of_site.setdefault(row['site'], []).append(row)
    for site in sites:
        flights = of_site.get(site.name, [])
        if site.name not in touched or not flights:
            continue
        flights.sort(key=lambda row: (row['date'], row['first_ns'] or 0, row['flight_id']))
        inspections = [
            DatedInspection(
                row['flight_id'],
                row['date'],
                store.inspected(site=site.name, date=row['date'], flight_id=row['flight_id']),
            )
            for row in flights
        ]
        rows = history_rows(inspections)
        store.write(HISTORY_TABLE, rows_table(HISTORY_TABLE, rows), site=site.name)
        longitude, latitude = site.middle_deg
        row = {
            'flights': len(flights),
            'first_date': flights[0]['date'],
            'last_date': flights[-1]['date'],
            'longitude_deg': longitude,
            'latitude_deg': latitude,
            GEOMETRY: shapely.to_wkb(site.outline),
        }
        store.write(SITES_TABLE, rows_table(SITES_TABLE, [row]), site=site.name)
