# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A reader of rows from the pages of a damaged SQLite file (sqlite.org/fileformat).

Each leaf page of a table is read by itself, whatever the tree above it says, so that a damaged
page costs only its own rows.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from roof_detector.bags.bounds import MOST_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roof_detector.bags.mcap_records import Store

MAGIC = b'SQLite format 3\0'
_FILE_HEADER = 100
_LEAF = 0x0D
_LEAF_HEADER = struct.Struct('>BHHHB')
_PAGE_SIZES = (4096, 1024, 512, 2048, 8192, 16384, 32768, 65536)
_MOST_COLUMNS = 12
_INT_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


class Row(NamedTuple):
    """A row: its id, its columns (text as str, blobs as bytes), and its place."""

    row_id: int
    values: tuple[Any, ...]
    place: tuple[int, int]


@dataclass(frozen=True)
class _PageLayout:
    page_bytes: int
    usable_bytes: int


class SqlitePages:
    """The pages of an SQLite file, and the rows on them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._layout = _layout(store)

    def rows(self) -> Iterator[Row]:
        """Yield the rows of all tables that can be read, page by page."""
        for number in range(-(-self._store.size // self._layout.page_bytes)):
            yield from _rows_on(self._store, self._layout, number)

    def row(self, place: tuple[int, int]) -> Row | None:
        """Return the row at a place that `rows` yielded."""
        size = self._layout.page_bytes
        page = self._store.read(place[0] * size, size).ljust(size, b'\0')
        return _row(self._store, self._layout, page, place)


def _layout(store: Store) -> _PageLayout:
    """Return the page size from the header, or from what the first pages look like."""
    head = store.read(0, _FILE_HEADER)
    if head.startswith(MAGIC):
        size = int.from_bytes(head[16:18], 'big')
        size = 65536 if size == 1 else size
        if size in _PAGE_SIZES and head[20] <= 32:
            return _PageLayout(size, size - head[20])
    best = max(_PAGE_SIZES, key=lambda size: _leaves(store, size))
    return _PageLayout(best, best)


def _leaves(store: Store, page_bytes: int) -> int:
    """Return how many of the first pages look like leaves with this page size."""
    count = 0
    for offset in range(page_bytes, min(store.size, page_bytes * 200), page_bytes):
        head = store.read(offset, _LEAF_HEADER.size)
        if len(head) == _LEAF_HEADER.size:
            kind, free, cells, content, _ = _LEAF_HEADER.unpack(head)
            fits = 0 < cells < page_bytes // 4 and free < page_bytes and content <= page_bytes
            count += kind == _LEAF and fits
    return count


def _rows_on(store: Store, layout: _PageLayout, number: int) -> Iterator[Row]:
    # The last page may be cut off; like SQLite, read zeros for the missing part.
    page = store.read(number * layout.page_bytes, layout.page_bytes)
    page = page.ljust(layout.page_bytes, b'\0')
    begin = _FILE_HEADER if number == 0 else 0
    if page[begin] != _LEAF:
        return
    _, _, count, _, _ = _LEAF_HEADER.unpack_from(page, begin)
    pointers = begin + _LEAF_HEADER.size
    if pointers + 2 * count > len(page):
        count = (len(page) - pointers) // 2
    for index in range(count):
        at = int.from_bytes(page[pointers + 2 * index : pointers + 2 * index + 2], 'big')
        try:
            row = _row(store, layout, page, (number, at)) if at >= pointers else None
        except (IndexError, ValueError):
            continue
        if row is not None:
            yield row


def _row(store: Store, layout: _PageLayout, page: bytes, place: tuple[int, int]) -> Row | None:
    length, at = _varint(page, place[1])
    row_id, at = _varint(page, at)
    if not 2 <= length <= min(MOST_MESSAGE_BYTES + 4096, store.size) or row_id >= 1 << 63:
        return None
    payload = _payload(store, layout, page, at, length)
    return None if payload is None else Row(row_id, _values(payload), place)


def _payload(store: Store, layout: _PageLayout, page: bytes, at: int, length: int) -> bytes | None:
    """Return a row's bytes, also if they continue on other pages; None if these are missing."""
    usable = layout.usable_bytes
    if length <= usable - 35:
        return page[at : at + length] if at + length <= usable else None
    least = (usable - 12) * 32 // 255 - 23
    local = least + (length - least) % (usable - 4)
    local = local if local <= usable - 35 else least
    if at + local + 4 > usable:
        return None
    parts, left = [page[at : at + local]], length - local
    following = int.from_bytes(page[at + local : at + local + 4], 'big')
    # Follow as many pages as the length needs, so that a cycle of pages ends.
    while left > 0:
        offset = (following - 1) * layout.page_bytes
        if following < 2 or offset >= store.size:
            return None
        more = store.read(offset, usable).ljust(usable, b'\0')
        parts.append(more[4 : 4 + left])
        left -= len(parts[-1])
        following = int.from_bytes(more[:4], 'big')
    return b''.join(parts)


def _values(payload: bytes) -> tuple[Any, ...]:
    """Return the columns of a row; raise ValueError if it does not match its own header."""
    header_end, at = _varint(payload, 0)
    kinds = []
    while at < header_end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    if at != header_end or len(kinds) > _MOST_COLUMNS:
        msg = 'the row has no header'
        raise ValueError(msg)
    values: list[Any] = []
    for kind in kinds:
        size = _size(kind)
        data = payload[at : at + size]
        if len(data) != size:
            msg = 'the row is too short'
            raise ValueError(msg)
        at += size
        values.append(_value(kind, data))
    if at != len(payload):
        msg = 'the row is too long'
        raise ValueError(msg)
    return tuple(values)


def _size(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    return _INT_BYTES.get(kind, 8 if kind == 7 else 0)


def _value(kind: int, data: bytes) -> Any:
    if kind == 0:
        return None
    if kind in _INT_BYTES:
        return int.from_bytes(data, 'big', signed=True)
    if kind in (8, 9):
        return kind - 8
    if kind == 7:
        return struct.unpack('>d', data)[0]
    if kind < 12:
        msg = f'there is no column of kind {kind}'
        raise ValueError(msg)
    return data if kind % 2 == 0 else data.decode('utf-8')


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(9):
        byte = data[at + count]
        if count == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + count + 1
    raise AssertionError  # the ninth byte ends it
