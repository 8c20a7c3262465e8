# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The file of an inspection: a GeoPackage with findings, sightings, frames and decisions."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from roof_detector.findings.errors import FindingsError
from roof_detector.findings.geopackage import GEOPACKAGE_VERSION, connect, store_errors
from roof_detector.findings.store_layers import (
    COMPUTED,
    DECISIONS,
    LAYERS,
    MIGRATIONS,
    SCHEMA_VERSION,
    TRIGGERS,
)
from roof_detector.findings.store_reader import StoreReader
from roof_detector.findings.store_run import StoreRun, column_names
from roof_detector.georeference.geopackage import create_geopackage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typing_extensions import Self

    from roof_detector.findings.decisions import Decision
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane


class InspectionStore(StoreReader):
    """Reads and writes one `inspection.gpkg`; raises FindingsError.

    A decision is on the disk when `decide` returns. A run replaces everything that is computed in
    one transaction at its end: a killed one leaves the store as it was, and keeps the decisions.
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
        if self._connection.execute('SELECT count(*) FROM sqlite_master').fetchone() != (0,):
            self.checked_schema()  # a file that is refused stays as it is
        self._connection.execute('PRAGMA journal_mode = WAL')
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
        """Replace everything that is computed, if the block ends without an error.

        What the run adds waits in temporary tables: the file is locked from `StoreRun.publish` on
        alone, so that people decide while recordings are read.
        """
        with store_errors(self.path), ExitStack() as last_first:
            last_first.callback(self._unstage)
            for layer in COMPUTED:
                # An unqualified name means the temporary table while there is one.
                self._connection.execute(
                    f'CREATE TEMP TABLE "{layer.name}" AS '
                    f'SELECT {column_names(layer)} FROM main."{layer.name}" WHERE 0'
                )
            self._connection.execute('BEGIN')
            run = StoreRun(self._connection, origin, is_staged=True)
            yield run
            run.publish()
            self._connection.execute('COMMIT')

    def _unstage(self) -> None:
        """Drop the temporary tables of a run, and what a failed one changed."""
        if self._connection.in_transaction:
            self._connection.execute('ROLLBACK')
        for layer in COMPUTED:
            self._connection.execute(f'DROP TABLE IF EXISTS temp."{layer.name}"')

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
