# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Keeps what was inferred so far, so that a killed detection can resume."""

from __future__ import annotations

import os
import struct
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.vision.content_identity import ContentIdentity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

_HEAD = struct.Struct('<II')  # length and CRC-32 of what follows
# Seconds, width, height, bytes of the content, lengths of the eight parts that follow.
_FRAME = struct.Struct('<dIIQIIIIIIII')
FORMAT = 4
_SYNC_PERIOD_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Inferred:
    """The result of one frame: serialised messages, or the error that prevented them.

    Topic, name and content identify the frame. `notes` report what of its file was not used.
    """

    size_wh: tuple[int, int]
    detections: bytes = b''
    candidates: bytes = b''
    masks: bytes = b''
    error: str = ''
    inference_s: float = 0.0
    topic: str = ''
    name: str = ''
    content: ContentIdentity | None = None
    notes: tuple[str, ...] = ()

    def _packed(self) -> bytes:
        content = self.content or ContentIdentity(0, '')
        texts = (self.error, self.topic, self.name, content.sha256, '\n'.join(self.notes))
        parts = (self.detections, self.candidates, self.masks, *(text.encode() for text in texts))
        numbers = (self.inference_s, *self.size_wh, content.size_bytes, *map(len, parts))
        return _FRAME.pack(*numbers) + b''.join(parts)

    @classmethod
    def _unpacked(cls, data: bytes) -> Inferred:
        inference_s, width, height, size_bytes, *lengths = _FRAME.unpack_from(data)
        parts, begin = [], _FRAME.size
        for length in lengths:
            parts.append(data[begin : begin + length])
            begin += length
        error, topic, name, sha256, notes = (part.decode() for part in parts[3:])
        return cls(
            size_wh=(width, height),
            detections=parts[0],
            candidates=parts[1],
            masks=parts[2],
            error=error,
            inference_s=inference_s,
            topic=topic,
            name=name,
            content=ContentIdentity(size_bytes, sha256) if sha256 else None,
            notes=tuple(notes.splitlines()),
        )


class Journal:
    """Appends what was inferred, frame by frame, and finds it again after a kill.

    The file begins with the text `made_from`; what follows the last whole record is cut off when
    the file is opened again. A frame is found by its topic and name, and is the same only with the
    same content.
    """

    def __init__(self, path: Path, *, made_from: str) -> None:
        self._path = path
        self._end = 0
        self._offsets: dict[tuple[str, str], int] = {}
        self._changed: dict[tuple[str, str], None] = {}
        self._found: set[tuple[str, str]] = set()
        records = _records(path)
        if next(records, None) == made_from.encode():
            self._end = _HEAD.size + len(made_from.encode())
            for record in records:
                frame = Inferred._unpacked(record)
                self._offsets[frame.topic, frame.name] = self._end
                self._end += _HEAD.size + len(record)
        self._earlier: BinaryIO | None = path.open('rb') if self._offsets else None
        self._file: BinaryIO = path.open('r+b' if self._end else 'wb')
        self._file.truncate(self._end)
        self._file.seek(self._end)
        self._synced_at_s = time.monotonic()
        if not self._end:
            self._write(made_from.encode())
            self._end = self._file.tell()
            self._sync()

    @property
    def frame_count(self) -> int:
        """Return how many frames earlier runs inferred."""
        return len(self._offsets)

    def find(self, topic: str, name: str, content: ContentIdentity | None) -> Inferred | None:
        """Return what an earlier run inferred of the same frame, or None."""
        key = topic, name
        if key not in self._offsets or self._earlier is None:
            return None
        self._earlier.seek(self._offsets[key])
        length, _ = _HEAD.unpack(self._earlier.read(_HEAD.size))
        inferred = Inferred._unpacked(self._earlier.read(length))
        self._found.add(key)
        if inferred.content != content:
            self._changed[key] = None
            return None
        return inferred

    def adopt(self, frames: Iterable[Inferred]) -> None:
        """Take over what others inferred of the same input; `find` finds it from now on."""
        for inferred in frames:
            self._offsets[inferred.topic, inferred.name] = self._file.tell()
            self._write(inferred._packed())
        self._sync()
        if self._offsets and self._earlier is None:
            self._earlier = self._path.open('rb')

    def changes(self) -> tuple[list[str], list[str]]:
        """Return the names of frames that changed, and of those that are gone.

        Call it after `find` was called for all frames.
        """
        gone = [name for topic, name in self._offsets if (topic, name) not in self._found]
        return [name for _, name in self._changed], gone

    def append(self, inferred: Inferred) -> None:
        """Add the next frame; it is on the disk at most a second later."""
        self._write(inferred._packed())
        if time.monotonic() - self._synced_at_s >= _SYNC_PERIOD_S:
            self._sync()

    def close(self) -> None:
        """Write everything to the disk and close the files."""
        self._sync()
        self._file.close()
        if self._earlier is not None:
            self._earlier.close()

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


def journal_frames(path: Path) -> Iterator[Inferred]:
    """Yield what a journal holds, whatever it was made from."""
    records = _records(path)
    next(records, None)
    yield from map(Inferred._unpacked, records)


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
