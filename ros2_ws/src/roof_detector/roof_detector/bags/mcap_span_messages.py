# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the messages of one span of an MCAP file, sound or damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mcap.opcode import Opcode

from roof_detector.bags.bounds import MOST_MESSAGE_BYTES
from roof_detector.bags.mcap_chunk import Chunk, chunk_at_magic, read_chunk
from roof_detector.bags.mcap_records import (
    HEAD,
    MESSAGE_HEAD,
    MemoryStore,
    Place,
)
from roof_detector.bags.mcap_scan import Gap, Known, scan_content

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roof_detector.bags.mcap_records import Store
    from roof_detector.bags.mcap_survey import McapSurvey, Span


class SpanMessage(NamedTuple):
    """One message; `channel` is its id, and `table` says which definitions apply to it."""

    log_time_ns: int
    publish_time_ns: int
    sequence: int
    table: int
    channel: int
    data: bytes


def span_messages(store: Store, survey: McapSurvey, span: Span) -> Iterator[SpanMessage]:
    """Yield all messages of a span that can be read, in their order in the file."""
    known = Known(_channel_ids(survey))
    known.first_ns, known.last_ns = survey.start_ns, survey.end_ns
    table, turns = span.table, list(span.turns)
    inner, places = _span_places(store, span, known)
    for place in places:
        if isinstance(place, Gap) or place.opcode != Opcode.MESSAGE:
            continue
        while turns and turns[0][0] <= place.offset:
            table = turns.pop(0)[1]
        message = _message(inner, place, table)
        if message is not None:
            yield message


def content_messages(
    content: bytes, channel_ids: set[int], *, table: int
) -> tuple[list[SpanMessage], str]:
    """Return the messages of some channels in a sound chunk, quickly, and what was wrong."""
    found: list[SpanMessage] = []
    offset, end = 0, len(content)
    unpack_head, unpack_message = HEAD.unpack_from, MESSAGE_HEAD.unpack_from
    while offset < end:
        if end - offset < HEAD.size:
            return found, 'a record in it is incomplete'
        opcode, length = unpack_head(content, offset)
        body = offset + HEAD.size
        offset = body + length
        if offset > end:
            return found, 'a record in it is longer than the chunk'
        if opcode == Opcode.MESSAGE:
            if length < MESSAGE_HEAD.size:
                return found, 'a message in it is incomplete'
            channel_id, sequence, log_time, publish_time = unpack_message(content, body)
            if channel_id in channel_ids:
                if length - MESSAGE_HEAD.size > MOST_MESSAGE_BYTES:
                    return found, f'a message in it has {length} bytes, more than the limit'
                data = content[body + MESSAGE_HEAD.size : offset]
                found.append(
                    SpanMessage(log_time, publish_time, sequence, table, channel_id, data)
                )
    return found, ''


def _channel_ids(survey: McapSurvey) -> set[int]:
    return {channel_id for table in survey.tables for channel_id in table.channels}


def _span_places(store: Store, span: Span, known: Known) -> tuple[Store, Iterator[Place | Gap]]:
    if not span.is_chunk:
        return store, scan_content(store, known, begin=span.offset, end=span.offset + span.length)
    chunk: Chunk | None
    if span.has_record:
        place = Place(Opcode.CHUNK, span.offset, span.length - HEAD.size)
        chunk = read_chunk(store, place)
    else:
        chunk = chunk_at_magic(store, span.offset, end=store.size)
    inner = MemoryStore(b'' if chunk is None else chunk.content)
    return inner, scan_content(inner, known, limit=span.limit)


def _message(store: Store, place: Place, table: int) -> SpanMessage | None:
    if place.length - MESSAGE_HEAD.size > MOST_MESSAGE_BYTES:
        return None
    body = store.read(place.body, place.length)
    channel_id, sequence, log_time, publish_time = MESSAGE_HEAD.unpack_from(body)
    data = body[MESSAGE_HEAD.size :]
    return SpanMessage(log_time, publish_time, sequence, table, channel_id, data)
