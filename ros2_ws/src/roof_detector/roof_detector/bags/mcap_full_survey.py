# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Surveys all of an MCAP file, however damaged it is."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    ChunkIndex,
    Footer,
    Header,
    MessageIndex,
    Metadata,
    Schema,
    Statistics,
)

from roof_detector.bags.bounds import ZSTD_MAGIC
from roof_detector.bags.mcap_chunk import Chunk
from roof_detector.bags.mcap_quick_survey import quick_summary
from roof_detector.bags.mcap_records import (
    DAMAGE,
    HEAD,
    LAST_KNOWN,
    MAGIC,
    MESSAGE_HEAD,
    MemoryStore,
    Place,
    has_footer,
    read_stream,
)
from roof_detector.bags.mcap_scan import Gap, Known, scan_content, scan_file
from roof_detector.bags.mcap_survey import (
    LOOSE_BYTES,
    MOST_SUMMARY_BYTES,
    RECORD_READERS,
    ChannelTable,
    McapSurvey,
    Span,
)

if TYPE_CHECKING:
    from roof_detector.bags.mcap_records import Store


def full_survey(store: Store) -> McapSurvey:
    """Return what a file holds after reading all of it, however damaged it is."""
    return _Surveyor(store).run()


class _Surveyor:
    """A collector that takes one record after the other and keeps the survey up to date."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known = Known()
        self._survey = McapSurvey(size=store.size)
        self._in_summary = False
        self._entries: dict[int, list[tuple[int, int]]] = {}
        self._indexes: dict[int, list[tuple[int, int]]] = {}
        self._chunk_indexes: list[ChunkIndex] = []
        self._summary_channels: set[int] = set()
        self._data_end: Place | None = None
        self._offsets_at = 0
        self._footer: tuple[Place, Footer] | None = None
        self._footers = 0

    def run(self) -> McapSurvey:
        survey = self._survey
        survey.has_magic = self._store.read(0, len(MAGIC)) == MAGIC
        if not survey.has_magic:
            survey.problems.append('it does not begin like an MCAP file')
        survey.is_finished = has_footer(self._store)
        self._take_summary_ahead()
        for found in scan_file(self._store, self._known):
            if isinstance(found, Gap):
                survey.gaps.append(found)
                continue
            if isinstance(found, Chunk):
                self._close_indexes()
                self._take_chunk(found)
                continue
            try:
                self._take(found)
            except DAMAGE:
                survey.gaps.append(Gap(found.offset, HEAD.size + found.length))
        self._close_indexes()
        self._check_indexes()
        if survey.is_finished:
            self._check_end()
        return survey

    def _take_summary_ahead(self) -> None:
        """Read the channels from the summary, in case the chunk with them is damaged."""
        if not self._survey.is_finished:
            return
        ahead = McapSurvey(size=self._store.size)
        try:
            footer_at = self._store.size - len(MAGIC) - HEAD.size - 20
            footer = Footer.read(read_stream(self._store.read(footer_at + HEAD.size, 20)))
            if 0 < footer.summary_start < footer_at:
                quick_summary(self._store, ahead, footer.summary_start, footer_at)
        except DAMAGE:
            return
        for table in ahead.tables:
            for schema in table.schemas.values():
                self._define(schema, is_sound=False)
            for channel in table.channels.values():
                self._define(channel, is_sound=False)

    def _take(self, place: Place) -> None:
        survey, opcode = self._survey, place.opcode
        if opcode in (Opcode.MESSAGE_INDEX, Opcode.MESSAGE):
            take = self._take_loose if opcode == Opcode.MESSAGE else self._take_message_index
            take(place)
            return
        if opcode not in RECORD_READERS:
            self._take_place(place)
            return
        record: Any = RECORD_READERS[opcode](
            read_stream(self._store.read(place.body, place.length))
        )
        if isinstance(record, Header):
            survey.library = survey.library or record.library
            self._in_summary = False
        elif isinstance(record, Schema | Channel):
            self._define(record, is_sound=True)
        elif isinstance(record, Metadata):
            survey.metadata.append((place, record))
        elif isinstance(record, Statistics):
            survey.statistics = record
        elif isinstance(record, ChunkIndex):
            self._chunk_indexes.append(record)
        elif isinstance(record, Footer):
            self._footer = place, record
            self._footers += 1
        else:
            self._data_end = place
            self._in_summary = True

    def _take_place(self, place: Place) -> None:
        """Register a record that is copied or skipped, not read."""
        if place.opcode == Opcode.ATTACHMENT:
            self._survey.attachments.append(place)
        elif place.opcode > LAST_KNOWN:
            self._survey.private.append(place)
        elif place.opcode == Opcode.SUMMARY_OFFSET:
            self._offsets_at = self._offsets_at or place.offset

    def _define(self, record: Schema | Channel, *, is_sound: bool) -> None:
        """Add a definition; one that contradicts begins another table."""
        table = self._survey.tables[-1]
        kind = 'channel' if isinstance(record, Channel) else 'schema'
        known: dict[int, Any] = table.channels if kind == 'channel' else table.schemas
        if self._in_summary and kind == 'channel':
            self._summary_channels.add(record.id)
        key = (kind, record.id)
        if record.id in known and known[record.id] != record:
            if not is_sound or (self._in_summary and key not in table.doubtful):
                return
            if key not in table.doubtful:
                table = ChannelTable(
                    dict(table.schemas), dict(table.channels), set(table.doubtful)
                )
                self._survey.tables.append(table)
                known = table.channels if kind == 'channel' else table.schemas
        known[record.id] = record
        if is_sound:
            table.doubtful.discard(key)
        else:
            table.doubtful.add(key)
        if kind == 'channel':
            self._known.channel_ids.add(record.id)

    def _take_chunk(self, chunk: Chunk) -> None:
        self._in_summary = False
        first = len(self._survey.tables) - 1
        span = Span(
            offset=chunk.offset,
            length=chunk.length,
            is_chunk=True,
            table=first,
            compression=chunk.compression,
            packed_bytes=chunk.packed_bytes,
            unpacked_bytes=len(chunk.content),
            problem=chunk.problem,
            is_content_sound=chunk.is_content_sound,
            limit=chunk.limit,
            has_record=chunk.length != chunk.packed_bytes,
        )
        inner = MemoryStore(chunk.content)
        self._entries = {}
        for place in scan_content(inner, self._known, limit=chunk.limit):
            if isinstance(place, Gap):
                span.problem = span.problem or 'a record in it is damaged'
                span.is_content_sound = False
            elif place.opcode == Opcode.MESSAGE:
                entry = self._count(span, inner, place)
                self._entries.setdefault(entry[0], []).append((entry[1], place.offset))
            elif place.opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
                tables = len(self._survey.tables)
                try:
                    body = read_stream(inner.read(place.body, place.length))
                    record = RECORD_READERS[place.opcode](body)
                    self._define(record, is_sound=chunk.is_content_sound)
                except DAMAGE:
                    span.problem = span.problem or 'a definition in it is damaged'
                if len(self._survey.tables) > tables:
                    span.turns.append((place.offset, len(self._survey.tables) - 1))
        if span.count and (span.start_ns, span.end_ns) != (chunk.start_ns, chunk.end_ns):
            span.problem = span.problem or 'its times differ from those of its messages'
        self._survey.spans.append(span)

    def _take_loose(self, place: Place) -> None:
        spans, table = self._survey.spans, len(self._survey.tables) - 1
        last = spans[-1] if spans else None
        if (
            last is None
            or last.is_chunk
            or last.offset + last.length != place.offset
            or last.length > LOOSE_BYTES
            or last.table != table
        ):
            last = Span(offset=place.offset, length=0, is_chunk=False, table=table)
            spans.append(last)
        last.length = place.end - last.offset
        self._count(last, self._store, place)

    def _count(self, span: Span, store: Store, place: Place) -> tuple[int, int]:
        head = store.read(place.body, MESSAGE_HEAD.size + len(ZSTD_MAGIC))
        channel_id, _, log_time, _ = MESSAGE_HEAD.unpack_from(head)
        span.take(log_time, (len(self._survey.tables) - 1, channel_id))
        if span.is_content_sound:
            self._known.take_time(log_time)
        self._survey.packed_messages += head.endswith(ZSTD_MAGIC) and len(head) > MESSAGE_HEAD.size
        return channel_id, log_time

    def _take_message_index(self, place: Place) -> None:
        record = MessageIndex.read(read_stream(self._store.read(place.body, place.length)))
        if not (self._survey.spans and self._survey.spans[-1].is_chunk):
            return
        span = self._survey.spans[-1]
        span.index_bytes += HEAD.size + place.length
        if record.records:
            span.index_at[record.channel_id] = place.offset
            self._indexes[record.channel_id] = record.records
            span.indexed += len(record.records)

    def _close_indexes(self) -> None:
        """Compare the message indexes after a chunk with the chunk's messages."""
        if self._survey.spans and self._survey.spans[-1].is_chunk and self._entries is not None:
            span = self._survey.spans[-1]
            if span.index_bytes or self._entries:
                found = {key: sorted(value) for key, value in self._entries.items()}
                stated = {key: sorted(value) for key, value in self._indexes.items()}
                span.is_index_right = found == stated
        self._entries, self._indexes = {}, {}

    def _check_indexes(self) -> None:
        """Accept missing message indexes in files that were written without any."""
        chunks = [span for span in self._survey.spans if span.is_chunk]
        if not any(span.index_bytes for span in chunks):
            for span in chunks:
                span.is_index_right = True

    def _check_end(self) -> None:
        """Note where the summary is wrong."""
        survey = self._survey
        if self._footer is None or self._footers > 1 or len(survey.tables) > 1:
            survey.problems.append('it is several files, one appended to the other')
            return
        place, footer = self._footer
        if not footer.summary_start:
            return
        survey.problems += _summary_errors(
            self._store, place, footer, self._data_end, self._offsets_at
        )
        statistics = survey.statistics
        counts: dict[int, int] = {}
        for span in survey.spans:
            for (_, channel_id), count in span.counts.items():
                counts[channel_id] = counts.get(channel_id, 0) + count
        if statistics is not None and (
            statistics.message_count != survey.message_count
            or {k: v for k, v in statistics.channel_message_counts.items() if v} != counts
            or (
                survey.message_count
                and (statistics.message_start_time, statistics.message_end_time)
                != (survey.start_ns, survey.end_ns)
            )
        ):
            survey.problems.append('its summary does not count what it holds')
        chunks = {
            (span.offset, span.length, span.compression): span
            for span in survey.spans
            if span.is_chunk
        }
        indexed = {
            (one.chunk_start_offset, one.chunk_length, one.compression): one
            for one in self._chunk_indexes
        }
        if indexed and (
            indexed.keys() != chunks.keys()
            or any(
                {
                    k: v
                    for k, v in one.message_index_offsets.items()
                    if (0, k) in chunks[key].counts
                }
                != chunks[key].index_at
                or (
                    (one.message_start_time, one.message_end_time)
                    != (chunks[key].start_ns, chunks[key].end_ns)
                    and chunks[key].count
                )
                or one.uncompressed_size != chunks[key].unpacked_bytes
                for key, one in indexed.items()
            )
        ):
            survey.problems.append('its summary does not locate its chunks')
        if self._summary_channels and not counts.keys() <= self._summary_channels:
            survey.problems.append('its summary lacks channels')


def _summary_errors(
    store: Store, place: Place, footer: Footer, data_end: Place | None, offsets_at: int
) -> list[str]:
    if data_end is None or footer.summary_start != data_end.end:
        return ['its footer does not locate the start of its summary']
    if footer.summary_offset_start not in (0, offsets_at or place.offset, place.offset):
        return ['its footer does not locate the end of its summary']
    length = place.end - 4 - footer.summary_start
    if footer.summary_crc and length <= MOST_SUMMARY_BYTES:
        summary = store.read(footer.summary_start, length)
        if zlib.crc32(summary) != footer.summary_crc:
            return ['the checksum of its summary does not match']
    return []
