# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What was inferred so far, so that a killed detection need not do it again."""

from __future__ import annotations

import os
import struct
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

_HEAD = struct.Struct('<II')  # length and CRC-32 of what follows
_FRAME = struct.Struct('<dIIIII')  # seconds, width, height, lengths of the three parts
_SYNC_PERIOD_S = 1.0


@dataclass(frozen=True)
class Inferred:
    """Hold what came of one frame: serialised messages, or why there are none."""

    size_wh: tuple[int, int]
    detections: bytes = b''
    candidates: bytes = b''
    trouble: str = ''
    inference_s: float = 0.0

    def _packed(self) -> bytes:
        parts = (self.detections, self.candidates, self.trouble.encode())
        return _FRAME.pack(self.inference_s, *self.size_wh, *map(len, parts)) + b''.join(parts)

    @classmethod
    def _unpacked(cls, data: bytes) -> Inferred:
        inference_s, width, height, *lengths = _FRAME.unpack_from(data)
        parts, begin = [], _FRAME.size
        for length in lengths:
            parts.append(data[begin : begin + length])
            begin += length
        return cls((width, height), parts[0], parts[1], parts[2].decode(), inference_s)


class Journal:
    """Append what was inferred, frame by frame, and read it back after a kill.

    The file begins with the text that says what it was made from; whatever follows the last whole
    record is cut off when it is opened again.
    """

    def __init__(self, path: Path, *, made_from: str) -> None:
        self._path = path
        self.frame_count = 0
        self._end = 0
        records = _records(path)
        if next(records, None) == made_from.encode():
            self._end = _HEAD.size + len(made_from.encode())
            for record in records:
                self._end += _HEAD.size + len(record)
                self.frame_count += 1
        self._file: BinaryIO = path.open('r+b' if self._end else 'wb')
        self._file.truncate(self._end)
        self._file.seek(self._end)
        self._synced_at_s = time.monotonic()
        if not self._end:
            self._write(made_from.encode())
            self._end = self._file.tell()
            self._sync()

    def recorded(self) -> Iterator[Inferred]:
        """Yield what earlier runs inferred, from the first frame on."""
        records = _records(self._path)
        next(records)
        for _, record in zip(range(self.frame_count), records, strict=False):
            yield Inferred._unpacked(record)

    def append(self, inferred: Inferred) -> None:
        """Add the next frame; at most a second later it is on the disk."""
        self._write(inferred._packed())
        if time.monotonic() - self._synced_at_s >= _SYNC_PERIOD_S:
            self._sync()

    def close(self) -> None:
        """Bring everything onto the disk."""
        self._sync()
        self._file.close()

    def _write(self, data: bytes) -> None:
        self._file.write(_HEAD.pack(len(data), zlib.crc32(data)) + data)

    def _sync(self) -> None:
        self._file.flush()
        os.fdatasync(self._file.fileno())
        self._synced_at_s = time.monotonic()


def made_from(path: Path) -> str | None:
    """Return what a journal was made from, None where there is none."""
    record = next(_records(path), None)
    return None if record is None else record.decode()


def _records(path: Path) -> Iterator[bytes]:
    """Yield the whole records of a file, none where there is no file."""
    if not path.exists():
        return
    with path.open('rb') as file:
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            length, checksum = _HEAD.unpack(head)
            data = file.read(length)
            if len(data) != length or zlib.crc32(data) != checksum:
                return
            yield data
