# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A scan over the records of an MCAP file that finds the next record after damaged bytes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from heapq import merge
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from mcap.opcode import Opcode

from roof_detector.bags.bounds import LZ4_MAGIC, ZSTD_MAGIC
from roof_detector.bags.mcap_chunk import Chunk, chunk_at_magic, read_chunk
from roof_detector.bags.mcap_records import (
    HEAD,
    LAST_KNOWN,
    MAGIC,
    MESSAGE_HEAD,
    FileStore,
    Place,
    has_footer,
    is_record,
    place_at,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from roof_detector.bags.mcap_records import Store

_BLOCK_BYTES = 1 << 20
_MAGICS = (ZSTD_MAGIC, LZ4_MAGIC, MAGIC)
_INNER = (Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE)
# How far a message's time may lie from the others' to be accepted without a record after it.
_NEAR_NS = 24 * 3600 * 10**9
# Damaged chunks are decompressed and scanned up to this many times the size of the file, so that a
# file of chunks within chunks comes to an end.
_MOST_LOOKS = 64
_LOOKS_FREE_BYTES = 1 << 30


class Gap(NamedTuple):
    """Bytes in which no record was found."""

    offset: int
    length: int


@dataclass
class Known:
    """What is known about a file's messages; it helps to recognise a message in damaged bytes."""

    channel_ids: set[int] = field(default_factory=set)
    first_ns: int = 1 << 64
    last_ns: int = 0

    def is_near(self, log_time_ns: int) -> bool:
        """Return whether a message of this time may belong to the known ones."""
        if self.last_ns < self.first_ns:
            return True
        return self.first_ns - _NEAR_NS <= log_time_ns <= self.last_ns + _NEAR_NS

    def take_time(self, log_time_ns: int) -> None:
        """Include a message's time in the known range."""
        self.first_ns = min(self.first_ns, log_time_ns)
        self.last_ns = max(self.last_ns, log_time_ns)


def is_complete(path: Path) -> bool:
    """Return whether a file ends like a finished MCAP file."""
    with path.open('rb') as file:
        return has_footer(FileStore(file))


def scan_file(store: Store, known: Known) -> Iterator[Place | Chunk | Gap]:
    """Yield all records of a file with its summary, chunks decompressed, and the gaps between.

    The caller keeps `known` up to date with what it receives.
    """
    looks = _LOOKS_FREE_BYTES + _MOST_LOOKS * store.size
    previous: Place | None = None
    offset = gap = 0 if store.read(0, len(MAGIC)) != MAGIC else len(MAGIC)
    while offset < store.size:
        if store.read(offset, len(MAGIC)) == MAGIC:  # the end, or a file appended to another one
            if offset > gap:
                yield Gap(gap, offset - gap)
            offset += len(MAGIC)
            gap, previous = offset, None
            continue
        found = _record(store, offset)
        if found is None:
            begin = offset if previous is None else previous.body + 1
            offset, found = _next(store, begin, end=store.size, known=known)
            # What was found within the record before is no gap.
            if offset > gap:
                yield Gap(gap, offset - gap)
            gap, previous = max(gap, offset), None
            if found is None:
                continue
        if isinstance(found, Chunk) and _is_suspect(store, found):
            looks -= found.packed_bytes + len(found.content)
            if looks > 0:
                found = _without_next(store, found)
        yield found
        previous = found if isinstance(found, Place) else None
        offset = found.end
        gap = max(gap, min(offset, store.size))
    if store.size > gap:
        yield Gap(gap, store.size - gap)


def _record(store: Store, offset: int) -> Place | Chunk | None:
    """Return the record at an offset, a chunk decompressed, also one that was cut off."""
    place = _sound(store, offset, end=store.size)
    if place is None:
        return _cut_chunk(store, offset)
    return read_chunk(store, place) if place.opcode == Opcode.CHUNK else place


def scan_content(
    store: Store, known: Known, *, begin: int = 0, end: int = -1, limit: int = -1
) -> Iterator[Place | Gap]:
    """Yield the records in a chunk's content, or in a stretch of messages without a chunk.

    From `limit` on (-1: the end) no record begins, though one may reach beyond.
    """
    end = store.size if end < 0 else end
    limit = end if limit < 0 else limit
    previous: Place | None = None
    offset = gap = begin
    while offset < limit:
        found = _sound(store, offset, end=end)
        if found is not None and found.opcode not in _INNER and found.opcode <= LAST_KNOWN:
            found = None
        if found is None:
            start = offset if previous is None else previous.body + 1
            offset, found = _next_inner(store, start, end=end, known=known)
            previous = None
            if offset >= limit:
                offset, found = limit, None
            if offset > gap:
                yield Gap(gap, offset - gap)
            gap = max(gap, offset)
            if found is None:
                continue
        yield found
        previous, offset = found, found.end
        gap = max(gap, offset)
    if limit > gap:
        yield Gap(gap, limit - gap)


def _sound(store: Store, offset: int, *, end: int) -> Place | None:
    """Return the record at an offset if its layout is right; a newer one may be longer."""
    place = place_at(store, offset, end=end)
    if place is None:
        return None
    if place.opcode <= LAST_KNOWN:
        return place if is_record(store, place) else None
    # An unknown kind, or a writer's own; but a chunk whose opcode is damaged is neither.
    is_chunk = is_record(store, Place(Opcode.CHUNK, place.offset, place.length))
    if is_chunk or not _goes_on(store, place.end, end=end):
        return None
    return place


def _goes_on(store: Store, offset: int, *, end: int) -> bool:
    """Return whether a record, or the end, follows at an offset."""
    if offset == end or store.read(offset, len(MAGIC)) == MAGIC:
        return True
    place = place_at(store, offset, end=end)
    return place is not None and place.opcode <= LAST_KNOWN and is_record(store, place)


def _cut_chunk(store: Store, offset: int) -> Chunk | None:
    """Return the chunk in which a file was cut off, None if it was not."""
    head = store.read(offset, HEAD.size)
    if len(head) < HEAD.size:
        return None
    opcode, length = HEAD.unpack(head)
    place = Place(opcode, offset, length)
    if opcode != Opcode.CHUNK or place.end <= store.size or not is_record(store, place):
        return None
    return read_chunk(store, place)


def _is_suspect(store: Store, chunk: Chunk) -> bool:
    """Return whether bytes of a chunk may be missing, so that it seems to overlap the next."""
    if chunk.is_content_sound and chunk.is_checked:
        return False
    return not chunk.is_content_sound or not _goes_on(store, chunk.end, end=store.size)


def _without_next(store: Store, chunk: Chunk) -> Chunk:
    """Return a damaged chunk up to the record that begins within it because bytes are missing."""
    end = min(chunk.end, store.size)
    for offset in _starts(store, chunk.offset + HEAD.size, end=end):
        place = place_at(store, offset, end=store.size)
        if (
            place is not None
            and place.opcode not in (*_INNER, Opcode.HEADER)
            and is_record(store, place)
            and _goes_on(store, place.end, end=store.size)
        ):
            problem = chunk.problem or 'bytes of it are missing'
            return replace(chunk, next_at=offset, problem=problem, is_content_sound=False)
    return chunk


def _next(store: Store, begin: int, *, end: int, known: Known) -> tuple[int, Place | Chunk | None]:
    """Return the offset of the next record and that record; the end and None without one."""
    for offset in _starts(store, begin, end=end, magics=_MAGICS):
        if store.read(offset, len(MAGIC)) == MAGIC:
            return offset, None
        place = place_at(store, offset, end=end)
        if place is not None and _is_credible(store, place, end=end, known=known):
            return offset, read_chunk(store, place) if place.opcode == Opcode.CHUNK else place
        found = _cut_chunk(store, offset) or chunk_at_magic(store, offset, end=end)
        if found is not None and found.content:
            return offset, found
    return end, None


def _next_inner(store: Store, begin: int, *, end: int, known: Known) -> tuple[int, Place | None]:
    for offset in _starts(store, begin, end=end):
        place = place_at(store, offset, end=end)
        if (
            place is not None
            and place.opcode in _INNER
            and _is_credible(store, place, end=end, known=known)
        ):
            return offset, place
    return end, None


def _starts(
    store: Store, begin: int, *, end: int, magics: tuple[bytes, ...] = ()
) -> Iterator[int]:
    """Yield the offsets at which a record or one of the magics may begin."""
    overlap = HEAD.size - 1
    for block in range(begin, end, _BLOCK_BYTES):
        content = store.read(block, min(_BLOCK_BYTES + overlap, end - block))
        found = merge(_heads(content), *(_places(content, magic) for magic in magics))
        for place in takewhile(lambda place: place < _BLOCK_BYTES, found):
            yield block + place


def _heads(content: bytes) -> list[int]:
    """Return the positions of an MCAP opcode before a length below 4 GiB."""
    values = np.frombuffer(content, np.uint8)
    count = max(0, len(values) - HEAD.size + 1)
    high = values[5 : count + 5] | values[6 : count + 6]
    high |= values[7 : count + 7] | values[8 : count + 8]
    is_opcode = (values[:count] - np.uint8(1)) < LAST_KNOWN  # 0 becomes 255
    found: list[int] = np.flatnonzero(is_opcode & (high == 0)).tolist()
    return found


def _places(content: bytes, magic: bytes) -> Iterator[int]:
    place = content.find(magic)
    while place >= 0:
        yield place
        place = content.find(magic, place + 1)


def _is_credible(store: Store, place: Place, *, end: int, known: Known) -> bool:
    """Return whether a record after damage is real, and not bytes that only look like one."""
    if not is_record(store, place):
        return False
    if place.opcode in (Opcode.CHUNK, Opcode.SCHEMA, Opcode.CHANNEL):
        return True  # so many matching lengths are no coincidence
    if _goes_on(store, place.end, end=end):
        return place.opcode != Opcode.MESSAGE or _may_be(store, place, known)
    return (
        place.opcode == Opcode.MESSAGE and _may_be(store, place, known) and bool(known.channel_ids)
    )


def _may_be(store: Store, place: Place, known: Known) -> bool:
    channel_id, _, log_time_ns, _ = MESSAGE_HEAD.unpack(store.read(place.body, MESSAGE_HEAD.size))
    if not known.channel_ids:
        return True
    return channel_id in known.channel_ids and known.is_near(log_time_ns)
