# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Zip files that are made while they are sent, without a copy in memory or on the disk."""

from __future__ import annotations

import os
import time
import zipfile
from typing import TYPE_CHECKING

from roof_detector.station.errors import StationError
from roof_detector.station.folders import open_below

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_BLOCK_BYTES = 1 << 18


class _Buffer:
    """A write-only, unseekable file that keeps the output of zipfile until it is fetched."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._blocks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def fetch(self) -> bytes:
        data = b''.join(self._blocks)
        self._blocks.clear()
        return data


def zipped(names: Iterable[str], *, root: Path) -> Iterator[bytes]:
    """Yield an uncompressed zip of files below `root`; most of them are compressed already.

    A file that is missing or has become a link is left out; of a growing file the part that
    existed when it was opened is included.
    """
    buffer = _Buffer()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_STORED) as archive:
        for name in names:
            try:
                source = open_below(root, name)
            except StationError:
                continue
            with source:
                facts = os.fstat(source.fileno())
                entry = zipfile.ZipInfo(name, _date_time(facts.st_mtime))
                entry.external_attr = (facts.st_mode & 0xFFFF) << 16
                entry.file_size = left = facts.st_size
                with archive.open(entry, 'w', force_zip64=True) as target:
                    while left and (block := source.read(min(left, _BLOCK_BYTES))):
                        left -= len(block)
                        target.write(block)
                        yield buffer.fetch()
    yield buffer.fetch()


def _date_time(seconds: float) -> tuple[int, int, int, int, int, int]:
    """Return a time in the range of a zip file, 1980 to 2107."""
    year, month, day, hour, minute, second, *_ = time.localtime(seconds)
    if not 1980 <= year <= 2107:
        return 1980, 1, 1, 0, 0, 0
    return year, month, day, hour, minute, second
