# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A folder as one zip, made while it is sent: nothing of it lies in memory or on the disk."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

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


def zipped(files: Iterable[Path], *, root: Path) -> Iterator[bytes]:
    """Yield a zip of files under their names below `root`, not compressed: most already are."""
    outgoing = _Outgoing()
    with zipfile.ZipFile(outgoing, 'w', zipfile.ZIP_STORED) as archive:
        for path in files:
            entry = zipfile.ZipInfo.from_file(path, path.relative_to(root).as_posix())
            with path.open('rb') as source, archive.open(entry, 'w', force_zip64=True) as target:
                while block := source.read(_BLOCK_BYTES):
                    target.write(block)
                    yield outgoing.fetch()
    yield outgoing.fetch()
