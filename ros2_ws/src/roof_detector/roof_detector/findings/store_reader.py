# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the file of an inspection, also while it is written."""

from __future__ import annotations

import json
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from roof_detector.findings.decisions import (
    DecidedFindings,
    Decision,
    DecisionKind,
    apply_decisions,
)
from roof_detector.findings.errors import FindingsError
from roof_detector.findings.finding_rows import finding_of
from roof_detector.findings.geopackage import reading, store_errors
from roof_detector.findings.store_layers import (
    COMPUTED_FINDINGS,
    FINDINGS,
    LAYERS,
    SCHEMA_VERSION,
    TRIGGERS,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from roof_detector.findings.geopackage import Layer
    from roof_detector.findings.roof_finding import RoofFinding


class StoreReader:
    """What one `inspection.gpkg` holds; raises FindingsError."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    def checked_schema(self) -> int:
        """Return the version of the schema; raise FindingsError for another file than ours.

        Views in the place of tables, and triggers on them, are no part of an inspection.
        """
        names = {layer.name for layer in LAYERS}
        with store_errors(self.path):
            listed = self._connection.execute(
                'SELECT type, name, tbl_name, sql FROM sqlite_master'
            ).fetchall()
        tables = {name for kind, name, _, _ in listed if kind == 'table'}
        if 'inspection_schema' not in tables:
            msg = (
                f'{self.path} is a database but no inspection of roof_detector; name another '
                'folder.'
            )
            raise FindingsError(msg)
        odd = [
            name
            for kind, name, table, sql in listed
            if (kind == 'view' and name in names)
            or (kind == 'trigger' and table == 'decisions' and sql not in TRIGGERS)
        ]
        if odd:
            msg = (
                f'{self.path} has {", ".join(map(repr, odd[:3]))} in the place of its own tables; '
                'it is refused, restore it from a copy.'
            )
            raise FindingsError(msg)
        with store_errors(self.path):
            row = self._connection.execute('SELECT version FROM inspection_schema').fetchone()
        if row is None or not isinstance(row[0], int) or row[0] < 1:
            msg = f'{self.path} has no version of its schema; restore it from a copy.'
            raise FindingsError(msg)
        found: int = row[0]
        if found > SCHEMA_VERSION:
            msg = (
                f'{self.path} has schema {found}, and this version of roof_detector knows '
                f'up to {SCHEMA_VERSION}; update roof_detector.'
            )
            raise FindingsError(msg)
        return found

    def stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query, one in memory at a time."""
        with store_errors(self.path):
            yield from self._connection.execute(query)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with store_errors(self.path):
            return self._connection.execute(query, values).fetchall()

    def decisions(self) -> list[Decision]:
        """Return all decisions in their order."""
        with store_errors(self.path):
            rows = self._connection.execute(
                'SELECT kind, uuid, who, made_at, value, "class", latitude_deg, longitude_deg, '
                'fid FROM decisions ORDER BY fid'
            ).fetchall()
        return [
            Decision(
                kind=DecisionKind(kind),
                uuid=UUID(uuid),
                who=who,
                made_at=made_at,
                value=value,
                class_name=class_name,
                place_deg=None if latitude is None else (latitude, longitude),
                serial=serial,
            )
            for kind, uuid, who, made_at, value, class_name, latitude, longitude, serial in rows
        ]

    def findings(self) -> list[RoofFinding]:
        """Return all findings in the order of their numbers, as the last run left them."""
        return self._findings_of(FINDINGS)

    def computed(self) -> list[RoofFinding]:
        """Return all findings as they were computed, before any decision."""
        known = {one.uuid: one for one in self.findings()}
        known |= {one.uuid: one for one in self._findings_of(COMPUTED_FINDINGS)}
        return sorted(known.values(), key=lambda one: one.number)

    def decided(self) -> DecidedFindings:
        """Return the findings with all decisions, also those since the last run.

        A track that was split off since the last run is an object of its own after the next one.
        """
        return apply_decisions(self.computed(), {}, self.decisions())

    def _findings_of(self, layer: Layer) -> list[RoofFinding]:
        names = ', '.join(f'"{name}"' for name, _ in FINDINGS.columns)
        with store_errors(self.path):
            rows = self._connection.execute(
                f'SELECT {names}, geom FROM {layer.name} ORDER BY number'
            ).fetchall()
        try:
            return [finding_of(row[:-1], row[-1]) for row in rows]
        except (ValueError, TypeError, KeyError, struct.error) as error:
            msg = (
                f'{self.path} has a finding that cannot be read ({error}); restore it from a copy.'
            )
            raise FindingsError(msg) from error

    def provenance(self) -> dict[str, Any]:
        """Return what the findings were made of."""
        with store_errors(self.path):
            rows = self._connection.execute('SELECT name, value FROM provenance').fetchall()
        try:
            return {name: json.loads(value) for name, value in rows}
        except (ValueError, TypeError, RecursionError) as error:
            msg = f'{self.path} has a provenance that cannot be read ({error}); restore a copy.'
            raise FindingsError(msg) from error


@contextmanager
def open_reader(path: Path) -> Iterator[StoreReader]:
    """Open a file of this schema for reading; raise FindingsError for any other."""
    with reading(path) as connection:
        reader = StoreReader(path, connection)
        found = reader.checked_schema()
        if found < SCHEMA_VERSION:
            msg = (
                f'{path} has schema {found} of an earlier version; inspect again, or decide '
                f'something with this version, which brings it to {SCHEMA_VERSION}.'
            )
            raise FindingsError(msg)
        yield reader
