# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A folder as one zip, made while it is sent: nothing of it lies in memory or on the disk."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from roof_detector.station.errors import StationError
from roof_detector.station.folders import open_below

_BLOCK_BYTES = 1 << 18


class _Outgoing:
    """Hold what zipfile wrote until it is fetched; it cannot be sought in."""

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
    """Yield a zip of the files of relative names below `root`, not compressed: most already are.

    A file that is gone, or has become a link, is left out; one that grows is cut where it ended
    when it was opened.
    """
    outgoing = _Outgoing()
    with zipfile.ZipFile(outgoing, 'w', zipfile.ZIP_STORED) as archive:
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
                        yield outgoing.fetch()
    yield outgoing.fetch()


def _date_time(seconds: float) -> tuple[int, int, int, int, int, int]:
    """Return a time as a zip can hold it: from 1980 to 2107."""
    year, month, day, hour, minute, second, *_ = time.localtime(seconds)
    if not 1980 <= year <= 2107:
        return 1980, 1, 1, 0, 0, 0
    return year, month, day, hour, minute, second
