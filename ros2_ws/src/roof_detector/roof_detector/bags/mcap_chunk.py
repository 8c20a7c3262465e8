# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A chunk of an MCAP file, and what can be read from it, damaged or not."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcap.opcode import Opcode

from roof_detector.bags.bounds import LZ4_MAGIC, MOST_CHUNK_BYTES, ZSTD_MAGIC, unpack
from roof_detector.bags.mcap_records import CHUNK_FIELDS_BYTES, CHUNK_HEAD, HEAD, Place

if TYPE_CHECKING:
    from roof_detector.bags.mcap_records import Store

_MAGICS = {LZ4_MAGIC: 'lz4', ZSTD_MAGIC: 'zstd'}


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A chunk as it was read; `problem` says what differs from what was written, '' for nothing.

    `is_content_sound` says whether the content is as it was written, whatever the rest; without
    `is_checked` that is unknown. If bytes are missing, the next record begins within the chunk: at
    `next_at` in the file, and at `limit` in the content if that is not compressed.
    """

    offset: int
    length: int
    start_ns: int
    end_ns: int
    compression: str
    packed_bytes: int
    content: bytes
    problem: str = ''
    is_content_sound: bool = True
    data_at: int = 0
    is_checked: bool = True
    next_at: int = -1

    @property
    def end(self) -> int:
        """Return where the next record begins."""
        return self.offset + self.length if self.next_at < 0 else self.next_at

    @property
    def limit(self) -> int:
        """Return the position in the content before which all records of the chunk begin."""
        if self.next_at < 0 or self.compression:
            return len(self.content)
        return min(len(self.content), max(0, self.next_at - self.data_at))


def read_chunk(store: Store, place: Place) -> Chunk:
    """Read and decompress a chunk, also one that reaches beyond the end of a cut-off file."""
    head = store.read(place.body, CHUNK_FIELDS_BYTES + 4)
    start_ns, end_ns, size, crc, length = CHUNK_HEAD.unpack_from(head)
    compression = head[CHUNK_HEAD.size :][:length].decode('ascii', 'replace')
    begin = place.body + CHUNK_FIELDS_BYTES + length
    wanted = place.end - begin
    available = max(0, min(wanted, store.size - begin))
    if available > MOST_CHUNK_BYTES:
        unpacked, problem = b'', f'it has {available} bytes, at most {MOST_CHUNK_BYTES} are read'
    else:
        result = unpack(store.read(begin, available), compression, most_bytes=MOST_CHUNK_BYTES)
        unpacked, problem = result.content, result.problem
    is_sound = not problem and available == wanted
    if available < wanted:
        problem = f'it was cut off, {wanted - available} of its {wanted} bytes are missing'
    elif not problem and crc and zlib.crc32(unpacked) != crc:
        problem, is_sound = 'its checksum does not match its content', False
    elif not problem and len(unpacked) != size:
        problem, is_sound = f'it holds {len(unpacked)} bytes where it says {size}', bool(crc)
    if is_sound and not crc and not _is_walkable(unpacked):
        problem, is_sound = 'a record in it is damaged', False
    return Chunk(
        offset=place.offset,
        length=HEAD.size + place.length,
        start_ns=start_ns,
        end_ns=end_ns,
        compression=compression,
        packed_bytes=available,
        content=unpacked,
        problem=problem,
        is_content_sound=is_sound,
        data_at=begin,
        is_checked=bool(crc or compression),
    )


def chunk_at_magic(store: Store, offset: int, *, end: int) -> Chunk | None:
    """Return the content of a chunk whose record is damaged, found by its compressed data.

    None if the content does not begin with a record.
    """
    compression = _MAGICS.get(store.read(offset, 4))
    if compression is None:
        return None
    first = unpack(store.read(offset, min(1 << 17, end - offset)), compression, most_bytes=1 << 24)
    if not _begins_as_content(first.content):
        return None
    data = store.read(offset, min(MOST_CHUNK_BYTES, end - offset))
    result = unpack(data, compression, most_bytes=MOST_CHUNK_BYTES, first_frame=True)
    used = max(len(ZSTD_MAGIC), result.used_bytes)
    problem = 'its record is damaged'
    return Chunk(
        offset=offset,
        length=used,
        start_ns=0,
        end_ns=0,
        compression=compression,
        packed_bytes=used,
        content=result.content,
        problem=problem,
        is_content_sound=False,
    )


def _is_walkable(content: bytes) -> bool:
    """Return whether records follow one another to the end, for content without a checksum."""
    offset, end, unpack_head = 0, len(content), HEAD.unpack_from
    while offset + HEAD.size <= end:
        opcode, length = unpack_head(content, offset)
        offset += HEAD.size + length
        if opcode == 0:
            return False
    return offset == end


def _begins_as_content(content: bytes) -> bool:
    if len(content) < HEAD.size:
        return False
    opcode, length = HEAD.unpack_from(content)
    return opcode in (Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE) and length < 1 << 32
