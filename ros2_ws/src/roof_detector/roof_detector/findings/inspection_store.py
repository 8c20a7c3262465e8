# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The file of an inspection: a GeoPackage with findings, sightings, frames and decisions."""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from roof_detector.findings.coverage_cells import coverage_cells
from roof_detector.findings.errors import FindingsError
from roof_detector.findings.finding_rows import finding_row
from roof_detector.findings.geopackage import GEOPACKAGE_VERSION, connect, store_errors
from roof_detector.findings.store_layers import (
    COMPUTED,
    COMPUTED_FINDINGS,
    COVERAGE,
    DECISIONS,
    EVENTS,
    FINDINGS,
    FRAMES,
    LAYERS,
    MIGRATIONS,
    PROVENANCE,
    SCHEMA_VERSION,
    SIGHTINGS,
    TRIGGERS,
)
from roof_detector.findings.store_reader import StoreReader
from roof_detector.georeference.geopackage import create_geopackage, point, polygon, set_extent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from typing_extensions import Self

    from roof_detector.findings.coverage import CoverageGrid
    from roof_detector.findings.decisions import Decision
    from roof_detector.findings.geopackage import Layer
    from roof_detector.findings.register import FindingEvent, SightingKey
    from roof_detector.findings.roof_finding import RoofFinding
    from roof_detector.findings.sightings import FrameSightings
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

STORE_NAME = 'inspection.gpkg'


class InspectionStore(StoreReader):
    """Reads and writes one `inspection.gpkg`; raises FindingsError.

    A decision is on the disk when `decide` returns. A run replaces everything that is computed in
    one transaction, so a killed run leaves the store as it was, and keeps the decisions.
    """

    def __init__(self, path: Path) -> None:
        with store_errors(path):
            connection = connect(path)
        super().__init__(path, connection)
        try:
            with store_errors(path):
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        """Create the tables in a new file; check and migrate those of an old one."""
        with self._transaction():
            tables = {row[0] for row in self._connection.execute('SELECT name FROM sqlite_master')}
            if not tables:
                create_geopackage(self._connection, version=GEOPACKAGE_VERSION)
                for layer in LAYERS:
                    layer.create(self._connection)
                for trigger in TRIGGERS:
                    self._connection.execute(trigger)
                self._connection.execute('CREATE TABLE inspection_schema (version INTEGER)')
                self._connection.execute(
                    'INSERT INTO inspection_schema VALUES (?)', (SCHEMA_VERSION,)
                )
                return
            found = self.checked_schema()
            for version in range(found, SCHEMA_VERSION):
                MIGRATIONS[version](self._connection)
                self._connection.execute(
                    'UPDATE inspection_schema SET version = ?', (version + 1,)
                )
            (sane,) = self._connection.execute('PRAGMA quick_check(1)').fetchone()
        if sane != 'ok':
            msg = f'{self.path} is damaged ({sane}); restore it from a copy.'
            raise FindingsError(msg)

    def decide(self, *decisions: Decision) -> None:
        """Write decisions to the disk, all or none."""
        with store_errors(self.path), self._transaction():
            for decision in decisions:
                latitude, longitude = decision.place_deg or (None, None)
                DECISIONS.insert(
                    self._connection,
                    (
                        decision.kind.value,
                        str(decision.uuid),
                        decision.who,
                        decision.made_at,
                        decision.value,
                        decision.class_name,
                        latitude,
                        longitude,
                    ),
                )

    @contextmanager
    def run(self, origin: LocalTangentPlane | None) -> Iterator[StoreRun]:
        """Replace everything that is computed, if the block ends without an error."""
        with store_errors(self.path), self._transaction():
            for layer in COMPUTED:
                self._connection.execute(f'DELETE FROM "{layer.name}"')
            yield StoreRun(self._connection, origin)

    @contextmanager
    def append(self, origin: LocalTangentPlane | None) -> Iterator[StoreRun]:
        """Add to what is computed, as a live inspection does; on the disk when the block ends."""
        with store_errors(self.path), self._transaction():
            yield StoreRun(self._connection, origin)

    @contextmanager
    def rewriting(self) -> Iterator[sqlite3.Connection]:
        """Let the block write rows as they are, and keep them if it ends without an error."""
        with store_errors(self.path), self._transaction():
            yield self._connection

    def close(self) -> None:
        """Close the file, which is then a single one."""
        with suppress(sqlite3.DatabaseError):  # another program has it open: it stays in WAL
            self._connection.execute('PRAGMA wal_checkpoint(TRUNCATE)')
            self._connection.execute('PRAGMA journal_mode = DELETE')
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute('BEGIN IMMEDIATE')
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute('ROLLBACK')
            raise
        self._connection.execute('COMMIT')


class StoreRun:
    """Writes what one run computes: frames as they come, then the findings."""

    def __init__(self, connection: sqlite3.Connection, origin: LocalTangentPlane | None) -> None:
        self._connection = connection
        self._origin = origin

    def add_frame(
        self, sightings: FrameSightings, keys: Sequence[SightingKey], class_names: Sequence[str]
    ) -> None:
        """Add a frame with its sightings, each with the key that the register gave it."""
        frame, ground = sightings.frame, sightings.ground
        where = (frame.flight, frame.source, frame.topic, frame.index, frame.name, frame.stamp_ns)
        outline = None
        if ground is not None and len(ground.outline_en):
            ring = self._geodetic(ground.outline_en)
            outline = polygon([[*ring, ring[0]]])
        height_m = None if ground is None or ground.is_orthographic else ground.height_m
        camera: tuple[float | None, float | None] = (None, None)
        if ground is not None and height_m is not None:
            (camera,) = self._geodetic(ground.camera_en[None, :2])
        FRAMES.insert(
            self._connection,
            (*where, *sightings.size_wh, len(sightings), height_m, *camera),
            outline,
        )
        places: list[tuple[float, float]] = []
        if ground is not None and len(sightings):
            places = self._geodetic(np.nan_to_num(ground.positions_en, nan=0.0))
        for index, key in enumerate(keys):
            known = ground is not None and bool(np.isfinite(ground.positions_en[index, 0]))
            resolution = float(ground.metres_per_pixel[index]) if known and ground else None
            SIGHTINGS.insert(
                self._connection,
                (
                    None,
                    json.dumps(key),
                    *where,
                    index,
                    class_names[int(sightings.class_ids[index])],
                    float(sightings.confidences[index]),
                    *sightings.boxes_xyxy[index].tolist(),
                    int(sightings.track_ids[index]),
                    resolution,
                    bool(ground.cut[index]) if ground else None,
                ),
                point(*places[index]) if known else None,
            )

    def replace_findings(
        self, findings: Iterable[RoofFinding], *, gone: Iterable[int] = ()
    ) -> None:
        """Write findings again, each in place of the one of its number; delete those `gone`."""
        for finding in findings:
            self._delete(finding.number)
            self._add(FINDINGS, finding)
        for number in gone:
            self._delete(number)

    def add_events(self, events: Iterable[FindingEvent]) -> None:
        """Add what happened to findings."""
        for event in events:
            EVENTS.insert(self._connection, (event.kind, str(event.uuid), event.sentence))

    def add_provenance(self, provenance: Mapping[str, Any]) -> None:
        """Add what the findings are made of."""
        for name, value in provenance.items():
            PROVENANCE.insert(self._connection, (name, json.dumps(value, sort_keys=True)))

    def add_coverage(self, grid: CoverageGrid) -> None:
        """Add how often and how well each cell was seen."""
        assert self._origin is not None
        for values, ring in coverage_cells(grid, self._origin):
            COVERAGE.insert(self._connection, values, polygon([ring]))

    def finish(
        self,
        findings: Sequence[RoofFinding],
        numbers: Mapping[SightingKey, int],
        events: Sequence[FindingEvent],
        provenance: Mapping[str, Any],
        computed: Sequence[RoofFinding] = (),
    ) -> None:
        """Write the findings, and to each sighting which one it belongs to.

        `computed` are the findings before the decisions, so that a decision can be taken back.
        """
        self._connection.execute('DELETE FROM findings')
        corners = [corner for one in findings if (corner := self._add(FINDINGS, one)) is not None]
        known = {one.uuid: one for one in findings}
        for one in computed:
            if known.get(one.uuid) != one:
                self._add(COMPUTED_FINDINGS, one)
        if corners:
            low, high = np.min(corners, axis=0).tolist(), np.max(corners, axis=0).tolist()
            for layer in (FINDINGS, SIGHTINGS, FRAMES, COVERAGE):
                set_extent(self._connection, layer.name, (*low, *high))
        connection = self._connection
        connection.execute('CREATE TEMP TABLE IF NOT EXISTS numbers (key TEXT PRIMARY KEY, n INT)')
        connection.execute('DELETE FROM numbers')
        connection.executemany(
            'INSERT INTO numbers VALUES (?, ?)',
            ((json.dumps(key), number) for key, number in numbers.items()),
        )
        connection.execute(
            'UPDATE sightings SET finding = (SELECT n FROM numbers WHERE numbers.key = '
            'sightings.key)'
        )
        connection.execute(
            'INSERT INTO tracks (flight, topic, track, finding, sightings, first_ns, last_ns) '
            'SELECT flight, topic, track, finding, count(*), min(stamp_ns), max(stamp_ns) '
            'FROM sightings WHERE track > 0 GROUP BY flight, topic, track, finding '
            'ORDER BY flight, topic, track, finding'
        )
        self.add_events(events)
        self.add_provenance(provenance)

    def _delete(self, number: int) -> None:
        self._connection.execute('DELETE FROM findings WHERE number = ?', (number,))

    def _add(self, layer: Layer, finding: RoofFinding) -> tuple[float, float] | None:
        """Add a finding to a layer; return its longitude and latitude."""
        place = finding.place
        where = None if place is None else (place.longitude_deg, place.latitude_deg)
        layer.insert(
            self._connection, finding_row(finding), None if where is None else point(*where)
        )
        return where

    def _geodetic(self, points_en: Any) -> list[tuple[float, float]]:
        """Return longitude and latitude of points (n, 2) of the plane."""
        assert self._origin is not None
        enu = np.column_stack([points_en, np.zeros(len(points_en))])
        geodetic = self._origin.to_geodetic(enu)
        return [(float(one[1]), float(one[0])) for one in geodetic]
