# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Inspections that people upload: checked and copied by a process of its own."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from typing import TYPE_CHECKING

from roof_detector.findings.inspection_path import STORE_NAME
from roof_detector.station.errors import StationError
from roof_detector.station.jobs.command_process import reason_of
from roof_detector.station.jobs.job_queue import new_id
from roof_detector.station.uploads import free_path, receive, safe_stem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from roof_detector.station.disk_budget import DiskBudget
    from roof_detector.station.folders import StationFolders

_HEAD = b'SQLite format 3\0'
_MOST_BYTES = 1_000_000_000
_CHECKED_WITHIN_S = 120.0
_INCOMING = '.incoming'


class ReceivedInspections:
    """Stores uploaded inspections in folders of their own.

    The file that was uploaded is never opened by the station: another process with little memory
    and time copies its rows, and only the copy stays.
    """

    def __init__(self, folders: StationFolders, *, limit_bytes: int, disk: DiskBudget) -> None:
        self._folder = folders.received
        self._limit_bytes = min(limit_bytes, _MOST_BYTES)
        self._disk = disk
        self._check = asyncio.Semaphore(1)
        shutil.rmtree(self._folder / _INCOMING, ignore_errors=True)

    async def add(
        self, name: str, blocks: AsyncIterator[bytes], *, size_bytes: int = 0
    ) -> tuple[str, dict[str, int]]:
        """Store an inspection; return its name and the count of rows of each layer.

        Raises StationError, and stores nothing, if it is no inspection.
        """
        self._disk.check(size_bytes)
        folder = self._folder / _INCOMING / new_id()
        folder.mkdir(parents=True)
        try:
            given, copied = folder / 'given.gpkg', folder / STORE_NAME
            head = await receive(
                blocks, given, name=name, limit_bytes=self._limit_bytes, disk=self._disk
            )
            if not head.startswith(_HEAD):
                msg = f'{name} is no GeoPackage; upload the inspection.gpkg of an inspection.'
                raise StationError(msg, status=415)
            async with self._check:
                counts = await _copy(given, copied, name=name)
            final = free_path(self._folder, safe_stem(name), '')
            final.mkdir()
            copied.rename(final / STORE_NAME)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return final.name, counts


async def _copy(source: Path, target: Path, *, name: str) -> dict[str, int]:
    process = await asyncio.create_subprocess_exec(
        *('nice', '-n', '10', sys.executable, '-m', 'roof_detector.findings.store_copy'),
        *(str(source), str(target)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), _CHECKED_WITHIN_S)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()
        msg = f'{name} is refused: its check took more than {_CHECKED_WITHIN_S:.0f} s.'
        raise StationError(msg, status=415) from None
    if process.returncode:
        last = errors.decode(errors='replace').strip().rpartition('\n')[2]
        reason = reason_of(process.returncode, last).replace(str(source), name)
        raise StationError(reason, status=415)
    counts: dict[str, int] = json.loads(output)
    return counts
