# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Surveys a finished MCAP file by its summary, without decompressing a chunk."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    ChunkIndex,
    Footer,
    Metadata,
    Schema,
    Statistics,
)

from roof_detector.bags.mcap_records import (
    CHUNK_HEAD,
    DAMAGE,
    HEAD,
    LAST_KNOWN,
    MAGIC,
    MESSAGE_HEAD,
    Place,
    has_footer,
    is_record,
    place_at,
    read_stream,
)
from roof_detector.bags.mcap_survey import (
    LOOSE_BYTES,
    MOST_SUMMARY_BYTES,
    RECORD_READERS,
    McapSurvey,
    Span,
)

if TYPE_CHECKING:
    from roof_detector.bags.mcap_records import Store


def quick_survey(store: Store) -> McapSurvey | None:
    """Return what a finished file says about itself, if all its records lie where it says.

    Chunks are not decompressed. None if anything contradicts: then the whole file must be read.
    """
    try:
        return _quick(store)
    except DAMAGE:
        return None


def _quick(store: Store) -> McapSurvey | None:
    if store.read(0, len(MAGIC)) != MAGIC or not has_footer(store):
        return None
    survey = McapSurvey(size=store.size, is_finished=True, is_quick=True)
    footer_at = store.size - len(MAGIC) - HEAD.size - 20
    footer = Footer.read(read_stream(store.read(footer_at + HEAD.size, 20)))
    begin = footer.summary_start
    if not len(MAGIC) < begin < footer_at or footer_at - begin > MOST_SUMMARY_BYTES:
        return None
    if footer.summary_crc:
        summary = store.read(begin, footer_at + HEAD.size + 16 - begin)
        if zlib.crc32(summary) != footer.summary_crc:
            return None
    indexes = quick_summary(store, survey, begin, footer_at)
    if indexes is None or not _quick_walk(store, survey, begin):
        return None
    chunks = {(span.offset, span.length) for span in survey.spans if span.is_chunk}
    if chunks != indexes:
        return None
    return survey


def quick_summary(
    store: Store, survey: McapSurvey, begin: int, end: int
) -> set[tuple[int, int]] | None:
    """Read a summary; return the positions of chunks that it gives, None if it is incomplete."""
    table, indexes, offset = survey.tables[0], set(), begin
    while offset < end:
        place = place_at(store, offset, end=end)
        if place is None or not is_record(store, place):
            return None
        offset = place.end
        if place.opcode not in RECORD_READERS:
            continue
        record: Any = RECORD_READERS[place.opcode](
            read_stream(store.read(place.body, place.length))
        )
        if isinstance(record, Schema):
            table.schemas[record.id] = record
        elif isinstance(record, Channel):
            table.channels[record.id] = record
        elif isinstance(record, Statistics):
            survey.statistics = record
        elif isinstance(record, ChunkIndex):
            indexes.add((record.chunk_start_offset, record.chunk_length))
    statistics = survey.statistics
    if statistics is None or not {
        k for k, v in statistics.channel_message_counts.items() if v
    } <= (table.channels.keys()):
        return None
    if any(c.schema_id and c.schema_id not in table.schemas for c in table.channels.values()):
        return None
    return indexes


def _quick_walk(store: Store, survey: McapSurvey, end: int) -> bool:
    """Go from record header to header over the data; return whether they connect to the end."""
    offset = len(MAGIC)
    span: Span | None = None
    place: Place | None = None
    while offset < end:
        place = place_at(store, offset, end=end)
        if place is None or not is_record(store, place):
            return False
        offset = place.end
        if place.opcode == Opcode.CHUNK:
            fields = CHUNK_HEAD.unpack(store.read(place.body, CHUNK_HEAD.size))
            length = HEAD.size + place.length
            span = Span(offset=place.offset, length=length, is_chunk=True)
            span.start_ns, span.end_ns = fields[0], fields[1]
            survey.spans.append(span)
        elif place.opcode == Opcode.MESSAGE_INDEX:
            if span is not None and span.is_chunk:
                span.count += (place.length - 6) // 16
        elif place.opcode == Opcode.MESSAGE:
            if (
                span is None
                or span.is_chunk
                or span.length > LOOSE_BYTES
                or (span.offset + span.length != place.offset)
            ):
                span = Span(offset=place.offset, length=0, is_chunk=False)
                survey.spans.append(span)
            span.length = place.end - span.offset
            channel_id, _, log_time, _ = MESSAGE_HEAD.unpack(
                store.read(place.body, MESSAGE_HEAD.size)
            )
            span.take(log_time, (0, channel_id))
        elif place.opcode == Opcode.METADATA:
            record = Metadata.read(read_stream(store.read(place.body, place.length)))
            survey.metadata.append((place, record))
        elif place.opcode == Opcode.ATTACHMENT:
            survey.attachments.append(place)
        elif place.opcode > LAST_KNOWN:
            survey.private.append(place)
        elif place.opcode not in (Opcode.HEADER, Opcode.SCHEMA, Opcode.CHANNEL, Opcode.DATA_END):
            return False
    return place is not None and place.opcode == Opcode.DATA_END
