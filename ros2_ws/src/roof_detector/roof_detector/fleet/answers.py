# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Answers questions on a fleet's store with DuckDB, which may read its tables and nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from roof_detector.fleet.errors import FleetError
from roof_detector.fleet.store_schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from roof_detector.fleet.fleet_store import FleetStore
    from roof_detector.fleet.question import Value

_MEMORY = '2GB'
# No file, no address, no extension, and no way back: what SQL reads are the tables of the store.
_LOCKS = (
    'SET autoinstall_known_extensions = false',
    'SET autoload_known_extensions = false',
    f"SET memory_limit = '{_MEMORY}'",
    'SET enable_external_access = false',
    'SET lock_configuration = true',
)
_DAYS = ('date', 'first_date', 'last_date')
_IS_CLASS = (
    'CREATE MACRO is_class(name, word) AS '
    "lower(word) IN ('findings', 'all') OR lower(name) = lower(word) "
    "OR lower(name) || 's' = lower(word) OR lower(name) || 'es' = lower(word)"
)


@dataclass(frozen=True)
class Answer:
    """The rows of an answer below the names of its columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def as_json(self) -> str:
        """Return a list of objects as JSON; days are written as ISO 8601."""
        values = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return json.dumps(values, default=_plain)


def answer(store: FleetStore, sql: str, values: Mapping[str, Value] | None = None) -> Answer:
    """Return what one SELECT gives; every table of the store is one, with site and date.

    Days are DATE, and NULL where a flight has none. Raises FleetError for anything that is no
    single SELECT, and for what DuckDB refuses.
    """
    with duckdb.connect(':memory:') as connection:
        try:
            statements = connection.extract_statements(sql)
        except duckdb.Error as error:
            raise _refused(error) from error
        kinds = [one.type for one in statements]
        if kinds != [duckdb.StatementType.SELECT]:
            msg = (
                f'The SQL holds {len(kinds)} statements ({", ".join(k.name for k in kinds)}), '
                'expected a single SELECT: the store is only read.'
            )
            raise FleetError(msg)
        for name, table in TABLES.items():
            dataset = store.dataset(table)
            connection.register(f'{name}_files', dataset)
            known = [day for day in _DAYS if day in dataset.schema.names]
            days = ', '.join(f'TRY_CAST({day} AS DATE) AS {day}' for day in known)
            replaced = f' REPLACE ({days})' if days else ''
            connection.execute(f'CREATE VIEW {name} AS SELECT *{replaced} FROM {name}_files')
        connection.execute(_IS_CLASS)
        for lock in _LOCKS:
            connection.execute(lock)
        try:
            found = connection.execute(sql, dict(values) if values else None)
            columns = tuple(one[0] for one in found.description or ())
            return Answer(columns, tuple(map(tuple, found.fetchall())))
        except duckdb.Error as error:
            raise _refused(error) from error


def _refused(error: Exception) -> FleetError:
    words = ' '.join(str(error).split())[:600]
    return FleetError(f'DuckDB does not answer this: {words}')


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
