# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads an MCAP file from its beginning, as far as it is whole, without need of a summary."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import lz4.frame
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Chunk
from mcap.writer import MCAP0_MAGIC

from roof_detector.bags.errors import BagError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_RECORD_HEAD = struct.Struct('<BQ')
_FOOTER_BYTES = _RECORD_HEAD.size + 20
# What reading a record raises when its bytes are not what was written.
DAMAGE = (struct.error, ValueError, McapError)
# All that MCAP knows; another name is damage.
_DECOMPRESS = {'': bytes, 'lz4': lz4.frame.decompress, 'zstd': zstd.decompress}


@dataclass(frozen=True)
class Record:
    """Hold one record: its kind, where it begins in the file or chunk, and what it holds."""

    opcode: int
    offset: int
    body: bytes

    @property
    def end(self) -> int:
        """Return where the next record begins."""
        return self.offset + _RECORD_HEAD.size + len(self.body)

    def stream(self) -> ReadDataStream:
        """Return the body as the classes of mcap.records read it."""
        return ReadDataStream(io.BytesIO(self.body))


def is_complete(path: Path) -> bool:
    """Tell whether a file ends as a finished MCAP file does."""
    with path.open('rb') as file:
        size = file.seek(0, io.SEEK_END)
        if size < 2 * len(MCAP0_MAGIC) + _FOOTER_BYTES:
            return False
        file.seek(size - len(MCAP0_MAGIC) - _FOOTER_BYTES)
        footer = file.read()
    return footer[0] == Opcode.FOOTER and footer.endswith(MCAP0_MAGIC)


def whole_records(path: Path) -> Iterator[Record]:
    """Yield the records of a file's data section up to its end, a cut or the first damage.

    Raises BagError when the file does not begin as MCAP does.
    """
    with path.open('rb') as file:
        if file.read(len(MCAP0_MAGIC)) != MCAP0_MAGIC:
            msg = f'{path} does not begin as an MCAP file does; it is another kind of file.'
            raise BagError(msg)
        size = path.stat().st_size
        while (record := _next_record(file, size)) is not None:
            if record.opcode == Opcode.DATA_END:
                return
            yield record


def records_in(chunk: Record) -> list[Record] | None:
    """Return the records within a chunk, or None when the chunk is damaged."""
    content = unpacked(chunk)
    if content is None:
        return None
    stream, records = io.BytesIO(content), []
    while (record := _next_record(stream, len(content))) is not None:
        records.append(record)
    return records if stream.tell() == len(content) else None


def unpacked(chunk: Record) -> bytes | None:
    """Return a chunk's decompressed content, or None when it is not what was written."""
    try:
        head = Chunk.read(chunk.stream())
        content = _DECOMPRESS[head.compression](head.data)
    except (*DAMAGE, KeyError, RuntimeError, zstd.ZstdError):
        return None
    if len(content) != head.uncompressed_size:
        return None
    if head.uncompressed_crc and zlib.crc32(content) != head.uncompressed_crc:
        return None
    return content


def _next_record(stream: BinaryIO, end: int) -> Record | None:
    """Return the next record when all of it is there, else None with the stream where it was."""
    offset = stream.tell()
    head = stream.read(_RECORD_HEAD.size)
    if len(head) == _RECORD_HEAD.size:
        opcode, size = _RECORD_HEAD.unpack(head)
        # Opcode 0 is none: after a power cut a file may end in zeros.
        if opcode != 0 and size <= end - offset - _RECORD_HEAD.size:
            return Record(opcode, offset, stream.read(size))
    stream.seek(offset)
    return None
