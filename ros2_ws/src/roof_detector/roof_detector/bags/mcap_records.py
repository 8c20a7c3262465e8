# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The records of an MCAP file, and the test whether bytes are one (mcap.dev/spec)."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.writer import MCAP0_MAGIC

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

MAGIC = MCAP0_MAGIC
HEAD = struct.Struct('<BQ')
MESSAGE_HEAD = struct.Struct('<HIQQ')
CHUNK_HEAD = struct.Struct('<QQQII')
# A chunk's fields without the name of its compression and its data.
CHUNK_FIELDS_BYTES = CHUNK_HEAD.size + 8
# Records that are read as a whole: schemas, channels, metadata, indexes. Ours stay below 1 MiB.
MOST_RECORD_BYTES = 64 << 20
# The last opcode of this version of MCAP. Higher ones are reserved for later versions, and from
# 0x80 on a writer may use its own (mcap.dev/spec).
LAST_KNOWN = 0x0F
COMPRESSIONS = ('', 'lz4', 'zstd')
# What reading a record raises if its bytes are not what was written.
DAMAGE = (struct.error, ValueError, McapError, KeyError, OverflowError, MemoryError)
_MOST_NAME_BYTES = 1 << 16
_FOOTER_BYTES = HEAD.size + 20


class Store(Protocol):
    """Bytes at offsets: those of a file, or of a chunk's content."""

    size: int

    def read(self, offset: int, size: int) -> bytes:
        """Return `size` bytes, fewer at the end."""


class FileStore:
    """The bytes of an open file, up to the size that it had when it was opened."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, io.SEEK_END)

    def read(self, offset: int, size: int) -> bytes:
        """Return `size` bytes, fewer at the end."""
        size = min(size, self.size - offset)
        if size <= 0 or offset < 0:
            return b''
        self._file.seek(offset)
        return self._file.read(size)


class MemoryStore:
    """Bytes in memory."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.size = len(content)

    def read(self, offset: int, size: int) -> bytes:
        """Return `size` bytes, fewer at the end."""
        return self.content[offset : offset + size] if offset >= 0 else b''


class Place(NamedTuple):
    """The position of a record in its store; `length` is that of its body."""

    opcode: int
    offset: int
    length: int

    @property
    def body(self) -> int:
        """Return where the body begins."""
        return self.offset + HEAD.size

    @property
    def end(self) -> int:
        """Return where the next record begins."""
        return self.offset + HEAD.size + self.length


def place_at(store: Store, offset: int, *, end: int) -> Place | None:
    """Return the record that begins at an offset, if all of it lies before the end."""
    head = store.read(offset, HEAD.size)
    if len(head) < HEAD.size:
        return None
    opcode, length = HEAD.unpack(head)
    # Opcode 0 is invalid: after a power cut a file may end in zeros.
    if opcode == 0 or length > end - offset - HEAD.size:
        return None
    return Place(opcode, offset, length)


def is_record(store: Store, place: Place) -> bool:
    """Return whether a body has the layout of its kind of record; unknown kinds always do."""
    if place.opcode > LAST_KNOWN:
        return True
    check = _LAYOUTS.get(place.opcode)
    return check is not None and check(store, place.body, place.end)


def read_stream(body: bytes) -> ReadDataStream:
    """Return a body as a stream, which the classes of mcap.records read."""
    return ReadDataStream(io.BytesIO(body))


def has_footer(store: Store) -> bool:
    """Return whether a file ends like a finished MCAP file."""
    if store.size < 2 * len(MAGIC) + _FOOTER_BYTES:
        return False
    end = store.read(store.size - len(MAGIC) - _FOOTER_BYTES, _FOOTER_BYTES + len(MAGIC))
    return end[0] == Opcode.FOOTER and end.endswith(MAGIC)


def _uint(store: Store, offset: int, size: int, end: int) -> int:
    """Return a number, or one larger than any file if it does not lie before the end."""
    if offset + size > end:
        return 1 << 64
    return int.from_bytes(store.read(offset, size), 'little')


def _after_name(store: Store, offset: int, end: int) -> int:
    length = _uint(store, offset, 4, end)
    return offset + 4 + length if length <= _MOST_NAME_BYTES else 1 << 64


def _after_block(store: Store, offset: int, end: int, *, counted_by: int = 4) -> int:
    return offset + counted_by + _uint(store, offset, counted_by, end)


def _is_map(store: Store, offset: int, end: int) -> bool:
    """Return whether a map of strings reaches to the end; only its first entry is checked."""
    if _after_block(store, offset, end) != end:
        return False
    first = offset + 4
    return first == end or _after_block(store, _after_block(store, first, end), end) <= end


def _is_header(store: Store, offset: int, end: int) -> bool:
    return _after_name(store, _after_name(store, offset, end), end) == end


def _is_schema(store: Store, offset: int, end: int) -> bool:
    names = _after_name(store, _after_name(store, offset + 2, end), end)
    return end - offset <= MOST_RECORD_BYTES and _after_block(store, names, end) == end


def _is_channel(store: Store, offset: int, end: int) -> bool:
    names = _after_name(store, _after_name(store, offset + 4, end), end)
    return end - offset <= MOST_RECORD_BYTES and names < end and _is_map(store, names, end)


def _is_message(store: Store, offset: int, end: int) -> bool:
    return end - offset >= MESSAGE_HEAD.size


def _is_chunk(store: Store, offset: int, end: int) -> bool:
    head = store.read(offset, CHUNK_FIELDS_BYTES + 4)
    if end - offset < CHUNK_FIELDS_BYTES or len(head) < CHUNK_FIELDS_BYTES:
        return False
    _, _, _, _, length = CHUNK_HEAD.unpack_from(head)
    if length > 4 or head[CHUNK_HEAD.size :][:length].decode('ascii', 'replace') not in (
        COMPRESSIONS
    ):
        return False
    return _after_block(store, offset + CHUNK_HEAD.size + length, end, counted_by=8) == end


def _is_message_index(store: Store, offset: int, end: int) -> bool:
    length = _uint(store, offset + 2, 4, end)
    return length % 16 == 0 and offset + 6 + length == end


def _is_chunk_index(store: Store, offset: int, end: int) -> bool:
    length = _uint(store, offset + 32, 4, end)
    name = offset + 36 + length + 8
    return length % 10 == 0 and name < end and _after_name(store, name, end) + 16 == end


def _is_attachment(store: Store, offset: int, end: int) -> bool:
    names = _after_name(store, _after_name(store, offset + 16, end), end)
    return names < end and _after_block(store, names, end, counted_by=8) + 4 == end


def _is_attachment_index(store: Store, offset: int, end: int) -> bool:
    return _after_name(store, _after_name(store, offset + 40, end), end) == end


def _is_statistics(store: Store, offset: int, end: int) -> bool:
    length = _uint(store, offset + 42, 4, end)
    return length % 10 == 0 and offset + 46 + length == end


def _is_metadata(store: Store, offset: int, end: int) -> bool:
    name = _after_name(store, offset, end)
    return end - offset <= MOST_RECORD_BYTES and name < end and _is_map(store, name, end)


def _is_metadata_index(store: Store, offset: int, end: int) -> bool:
    return _after_name(store, offset + 16, end) == end


def _is_of(length: int) -> Callable[[Store, int, int], bool]:
    return lambda _, offset, end: end - offset == length


_LAYOUTS: dict[int, Callable[[Store, int, int], bool]] = {
    Opcode.HEADER: _is_header,
    Opcode.FOOTER: _is_of(20),
    Opcode.SCHEMA: _is_schema,
    Opcode.CHANNEL: _is_channel,
    Opcode.MESSAGE: _is_message,
    Opcode.CHUNK: _is_chunk,
    Opcode.MESSAGE_INDEX: _is_message_index,
    Opcode.CHUNK_INDEX: _is_chunk_index,
    Opcode.ATTACHMENT: _is_attachment,
    Opcode.ATTACHMENT_INDEX: _is_attachment_index,
    Opcode.STATISTICS: _is_statistics,
    Opcode.METADATA: _is_metadata,
    Opcode.METADATA_INDEX: _is_metadata_index,
    Opcode.SUMMARY_OFFSET: _is_of(17),
    Opcode.DATA_END: _is_of(4),
}
