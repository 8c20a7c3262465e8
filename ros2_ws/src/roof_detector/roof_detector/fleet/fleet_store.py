# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The store of a fleet: what every flight found, in Parquet files by site and date."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import shapely

from roof_detector.findings.changes import Inspected
from roof_detector.findings.finding_rows import finding_of
from roof_detector.findings.seen_frames import SeenFrame
from roof_detector.findings.store_layers import FINDINGS
from roof_detector.fleet.errors import FleetError
from roof_detector.fleet.store_files import StoreFiles
from roof_detector.fleet.store_schema import (
    FORMAT,
    FRAMES_TABLE,
    GEOMETRY,
    TABLES,
    VERSION,
    StoreTable,
)
from roof_detector.fleet.store_tables import parquet_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MARK = 'fleet.json'
_PARTITIONS = pa.schema([('site', pa.string()), ('date', pa.string())])
_SITE_ONLY = pa.schema([('site', pa.string())])


class FleetStore:
    """Reads and writes a store at a folder or an address such as `s3://bucket/store`.

    `open` reads one that is there, `create` makes it where there is none. Raises FleetError,
    also for a store of a newer version than this one knows.
    """

    def __init__(self, files: StoreFiles) -> None:
        self.files = files

    @classmethod
    def open(cls, address: str | Path) -> FleetStore:
        """Open a store that exists."""
        store = cls(StoreFiles(address))
        if not store._check():
            msg = (
                f'{address} is no fleet store: it has no {MARK}. Name the one that '
                '"roof_detector fleet run" wrote.'
            )
            raise FleetError(msg)
        return store

    @classmethod
    def create(cls, address: str | Path) -> FleetStore:
        """Open a store, made where there is none; a folder with other files is refused."""
        store = cls(StoreFiles(address))
        if store._check():
            return store
        if others := store.files.below(''):
            msg = (
                f'{address} is no fleet store and holds other files, such as {others[0]}. Name '
                'an empty folder, or a new one.'
            )
            raise FleetError(msg)
        mark = {'format': FORMAT, 'version': VERSION}
        store.files.write(MARK, (json.dumps(mark, sort_keys=True) + '\n').encode())
        return store

    def _check(self) -> bool:
        """Return whether the store is there; raise FleetError for another or a newer one."""
        content = self.files.read(MARK)
        if content is None:
            return False
        try:
            mark = json.loads(content)
            version = int(mark['version'])
            is_ours = mark['format'] == FORMAT
        except (ValueError, TypeError, KeyError):
            is_ours, version = False, 0
        if not is_ours or version < 1:
            msg = f'{self.files.path(MARK)} is damaged; restore the store from a copy.'
            raise FleetError(msg)
        if version > VERSION:
            msg = (
                f'{self.files.address} is a fleet store of version {version}, and this version '
                f'of roof_detector knows up to {VERSION}; update roof_detector.'
            )
            raise FleetError(msg)
        return True

    def dataset(self, table: StoreTable) -> ds.Dataset:
        """Return all files of a table with `site` and, by date, `date` as columns.

        The columns of sites are `site` and their own; a table without a file has no rows.
        """
        paths = [
            self.files.path(path)
            for path in self.files.below(table.name)
            if path.endswith('.parquet')
        ]
        partitions = _PARTITIONS if table.by_date else _SITE_ONLY
        schema = pa.unify_schemas([table.schema().remove_metadata(), partitions])
        if not paths:
            return ds.dataset(schema.empty_table())
        return ds.dataset(
            paths,
            schema=schema,
            format='parquet',
            filesystem=self.files.filesystem,
            partitioning=ds.partitioning(partitions, flavor='hive'),
            partition_base_dir=self.files.path(table.name),
        )

    def rows(self, name: str, *, where: ds.Expression | None = None) -> list[dict[str, Any]]:
        """Return the rows of a table by its name, by site, date, flight and their own order."""
        table = TABLES[name]
        found = self.dataset(table).to_table(filter=where)
        return list(found.to_pylist())

    def write(
        self,
        table: StoreTable,
        rows: pa.Table,
        *,
        site: str,
        date: str = '',
        flight_id: str = '',
    ) -> None:
        """Write the file of a flight, or of a site, in place of the one before it."""
        path = table.path(site=site, date=date, flight_id=flight_id)
        self.files.write(path, parquet_bytes(rows))

    def remove_moved(
        self, known: Mapping[str, Any], *, site: str, date: str, flight_id: str
    ) -> None:
        """Remove the files of a flight from the site and date that it was known at before."""
        if (known['site'], known['date']) == (site, date):
            return
        for table in TABLES.values():
            if table.by_date:
                old = table.path(site=known['site'], date=known['date'], flight_id=flight_id)
                self.files.remove(old)

    def inspected(self, *, site: str, date: str, flight_id: str) -> Inspected:
        """Return the findings and frames of a flight, as `findings.changes` compares them."""
        where = {'site': site, 'date': date, 'flight_id': flight_id}
        names = [name for name, _ in FINDINGS.columns]
        findings = [
            finding_of([row[name] for name in names], row[GEOMETRY])
            for row in self._file_rows(TABLES[FINDINGS.name], **where)
        ]
        frames = [
            SeenFrame(
                tuple(shapely.from_wkb(row[GEOMETRY]).exterior.coords)[:-1],
                row['height_m'],
                (row['width_px'], row['height_px']),
            )
            for row in self._file_rows(FRAMES_TABLE, **where)
            if row[GEOMETRY] is not None and row['height_m'] is not None
        ]
        return Inspected(findings, frames)

    def _file_rows(
        self, table: StoreTable, *, site: str, date: str, flight_id: str
    ) -> Sequence[dict[str, Any]]:
        path = table.path(site=site, date=date, flight_id=flight_id)
        content = self.files.read(path)
        if content is None:
            msg = f'{self.files.path(path)} is gone; run "roof_detector fleet run" again.'
            raise FleetError(msg)
        return list(pq.read_table(pa.BufferReader(content)).to_pylist())
