# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The layers of an inspection's GeoPackage, its connection, and what its errors mean."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roof_detector.findings.errors import FindingsError
from roof_detector.georeference.geopackage import create_layer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

GEOPACKAGE_VERSION = 10_300  # 1.3
_PATIENCE_S = 5.0
_LONGEST_READ_S = 20.0
_LONGEST_VALUE = 16 << 20
_LIMIT_LENGTH = 0  # SQLITE_LIMIT_LENGTH, which Python names since 3.11


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
        create_layer(
            connection,
            self.name,
            self.columns,
            geometry=self.geometry,
            description=self.description,
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


def connect(path: Path) -> sqlite3.Connection:
    """Open a file for writing; decisions are on the disk when their transaction ends."""
    connection = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)
    connection.execute('PRAGMA trusted_schema = OFF')
    connection.execute('PRAGMA synchronous = FULL')
    return connection


@contextmanager
def reading(path: Path, *, within_s: float = _LONGEST_READ_S) -> Iterator[sqlite3.Connection]:
    """Open a file for reading, also while another program writes it; raise FindingsError.

    A file may come from a stranger: its schema runs no function, nothing else is opened, and what
    takes longer than `within_s` ends.
    """
    if not path.is_file():
        msg = f'{path} does not exist; name the inspection.gpkg of an inspection.'
        raise FindingsError(msg)
    deadline_s = time.monotonic() + within_s
    with store_errors(path):
        address = f'{path.absolute().as_uri()}?mode=ro'
        with closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE_S)) as connection:
            connection.execute('PRAGMA trusted_schema = OFF')
            connection.execute('PRAGMA query_only = ON')
            connection.set_authorizer(_authorized)
            if hasattr(connection, 'setlimit'):  # since Python 3.11
                connection.setlimit(_LIMIT_LENGTH, _LONGEST_VALUE)
            connection.set_progress_handler(lambda: time.monotonic() > deadline_s, 10_000)
            yield connection


def _authorized(action: int, *_: object) -> int:
    is_denied = action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH)
    return sqlite3.SQLITE_DENY if is_denied else sqlite3.SQLITE_OK


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn the errors of SQLite into a FindingsError about a file."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        text = str(error)
        if 'locked' in text or 'busy' in text:
            remedy = 'Another program writes to it; close that one, or wait, and try again.'
        elif text == 'interrupted':
            remedy = 'It takes too long to read; it is damaged, or made to keep readers busy.'
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
