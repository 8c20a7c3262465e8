# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A survey of an MCAP file: what it holds, sound or damaged, and where."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

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

from roof_detector.bags.bounds import MOST_MESSAGE_BYTES, ZSTD_MAGIC
from roof_detector.bags.mcap_chunk import Chunk, chunk_at_magic, read_chunk
from roof_detector.bags.mcap_records import (
    CHUNK_HEAD,
    DAMAGE,
    HEAD,
    LAST_KNOWN,
    MAGIC,
    MESSAGE_HEAD,
    MemoryStore,
    Place,
    has_footer,
    is_record,
    place_at,
    read_stream,
)
from roof_detector.bags.mcap_scan import Gap, Known, scan_content, scan_file
from roof_detector.bags.metadata import to_yaml
from roof_detector.bags.qos import recorded_qos
from roof_detector.bags.schemas import known_definition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from roof_detector.bags.mcap_records import Store
    from roof_detector.bags.qos import OfferedQos

# Messages without a chunk are read in blocks of this size.
_LOOSE_BYTES = 1 << 20
_MOST_SUMMARY_BYTES = 256 << 20
_NEVER_NS = 2**63 - 1
_OURS = 'roof_detector'  # the library name in our files
# The type of messages whose definition is lost; their topics keep the number of their channel.
UNKNOWN_TYPE = 'roof_detector/msg/Unknown'
UNKNOWN_SCHEMA = Schema(id=0, data=b'', encoding='ros2msg', name=UNKNOWN_TYPE)


@dataclass(frozen=True, kw_only=True)
class TopicFacts:
    """What a bag knows about a topic besides what a damaged file says."""

    name: str
    type_name: str
    definition: str = ''
    type_hash: str = ''
    offered_qos: tuple[OfferedQos, ...] = ()

    @classmethod
    def announced(cls, metadata: Mapping[str, Any]) -> TopicFacts:
        """Return what a metadata.yaml says about a topic."""
        return cls(
            name=metadata['name'],
            type_name=metadata['type'],
            type_hash=metadata.get('type_description_hash') or '',
            offered_qos=recorded_qos(metadata.get('offered_qos_profiles') or ''),
        )

    def schema(self, schema_id: int) -> Schema:
        """Return the type's schema under a number."""
        data = (self.definition or known_definition(self.type_name)).encode()
        return Schema(id=schema_id, data=data, encoding='ros2msg', name=self.type_name)

    def channel(self, channel_id: int) -> Channel:
        """Return the topic's channel under a number, with a schema whose number is not set yet.

        Its profiles are those of metadata.yaml: a reader that compares the two (rosbags) skips a
        channel that differs.
        """
        metadata = {}
        if self.offered_qos:
            profiles = [profile.as_dict() for profile in self.offered_qos]
            metadata['offered_qos_profiles'] = to_yaml(profiles)
        if self.type_hash:
            metadata['topic_type_hash'] = self.type_hash
        return Channel(channel_id, self.name, 'cdr', metadata, 0)


class SpanMessage(NamedTuple):
    """One message; `channel` is its id, and `table` says which definitions apply to it."""

    log_time_ns: int
    publish_time_ns: int
    sequence: int
    table: int
    channel: int
    data: bytes


@dataclass
class ChannelTable:
    """Schemas and channels by id that apply to a part of a file."""

    schemas: dict[int, Schema] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    # Known only from a damaged chunk; sound definitions replace them.
    doubtful: set[tuple[str, int]] = field(default_factory=set)


@dataclass(kw_only=True)
class Span:
    """A chunk, or a stretch of messages without one, which is read, sorted and copied as one.

    `table` is the index of the definitions that apply at its start, `turns` are the offsets in the
    content at which others begin to apply; `counts` are messages by table and channel. `index_at`
    are the offsets of its message indexes by channel; `indexed` counts the messages that these
    name. `limit` is where in the content its last record may begin.
    """

    offset: int
    length: int
    is_chunk: bool
    table: int = 0
    compression: str = ''
    packed_bytes: int = 0
    unpacked_bytes: int = 0
    problem: str = ''
    is_content_sound: bool = True
    limit: int = -1
    has_record: bool = True  # otherwise only the compressed data was found
    start_ns: int = _NEVER_NS
    end_ns: int = 0
    count: int = 0
    counts: dict[tuple[int, int], int] = field(default_factory=dict)
    index_at: dict[int, int] = field(default_factory=dict)
    index_bytes: int = 0
    is_index_right: bool = True
    indexed: int = 0
    turns: list[tuple[int, int]] = field(default_factory=list)

    def take(self, log_time_ns: int, key: tuple[int, int]) -> None:
        """Count a message of a table and channel."""
        self.start_ns = min(self.start_ns, log_time_ns)
        self.end_ns = max(self.end_ns, log_time_ns)
        self.count += 1
        self.counts[key] = self.counts.get(key, 0) + 1


@dataclass(kw_only=True)
class McapSurvey:
    """All that an MCAP file holds, by position; contents stay in the file.

    `metadata` are records with the offset and length of their place, `attachments` places alone.
    `problems` say what is wrong with the file besides its spans, as parts of sentences.
    """

    size: int
    library: str = ''
    has_magic: bool = True
    tables: list[ChannelTable] = field(default_factory=lambda: [ChannelTable()])
    spans: list[Span] = field(default_factory=list)
    metadata: list[tuple[Place, Metadata]] = field(default_factory=list)
    attachments: list[Place] = field(default_factory=list)
    private: list[Place] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    statistics: Statistics | None = None
    is_finished: bool = False
    is_quick: bool = False
    packed_messages: int = 0  # messages that begin like zstd data

    @property
    def message_count(self) -> int:
        """Return how many messages were found."""
        return sum(span.count for span in self.spans)

    @property
    def lost_bytes(self) -> int:
        """Return how many bytes belong to no record that was found."""
        return sum(gap.length for gap in self.gaps)

    @property
    def is_sound(self) -> bool:
        """Return whether there is nothing to repair."""
        return (
            self.is_finished
            and not self.gaps
            and not self.problems
            and not any(span.problem or not span.is_index_right for span in self.spans)
        )

    @property
    def start_ns(self) -> int:
        """Return the time of the first message; without one, the value that rosbag2 uses."""
        return min((span.start_ns for span in self.spans if span.count), default=_NEVER_NS)

    @property
    def end_ns(self) -> int:
        """Return the time of the last message, 0 without one."""
        return max((span.end_ns for span in self.spans if span.count), default=0)

    def complete(
        self, topics: Mapping[str, TopicFacts], in_order: Sequence[TopicFacts] = ()
    ) -> None:
        """Complete lost or doubtful definitions from what the bag knows besides.

        `in_order` are the topics as their writer announced them; ours numbers channels in that
        order. A channel of which nothing is known becomes a topic of its own.
        """
        in_order = in_order if self.library == _OURS else ()
        used = {key for span in self.spans for key in span.counts}
        for number, table in enumerate(self.tables):
            lost = {channel_id for one, channel_id in used if one == number}
            lost -= table.channels.keys()
            doubtful = {key for kind, key in table.doubtful if kind == 'channel'}
            for channel_id in sorted(lost | doubtful):
                facts = in_order[channel_id - 1] if 0 < channel_id <= len(in_order) else None
                if facts is not None:
                    table.channels[channel_id] = facts.channel(channel_id)
                elif channel_id in lost:
                    table.channels[channel_id] = unknown_channel(channel_id)
            for channel in table.channels.values():
                key, facts = ('schema', channel.schema_id), topics.get(channel.topic)
                known = table.schemas.get(channel.schema_id)
                if facts is None or (known is not None and key not in table.doubtful):
                    continue
                schema_id = channel.schema_id or _free(table.schemas)
                channel.schema_id = schema_id
                table.schemas[schema_id] = facts.schema(schema_id)


def _free(schemas: Mapping[int, Schema]) -> int:
    return next(number for number in range(1, 1 << 16) if number not in schemas)


def unknown_topic(channel_id: int) -> str:
    """Return the topic of messages of which only the channel's number is known."""
    return f'/recovered/channel_{channel_id}'


def unknown_channel(channel_id: int) -> Channel:
    """Return a substitute for a channel whose definition is lost."""
    return Channel(channel_id, unknown_topic(channel_id), 'cdr', {}, 0)


def quick_survey(store: Store) -> McapSurvey | None:
    """Return what a finished file says about itself, if all its records lie where it says.

    Chunks are not decompressed. None if anything contradicts: then the whole file must be read.
    """
    try:
        return _quick(store)
    except DAMAGE:
        return None


def full_survey(store: Store) -> McapSurvey:
    """Return what a file holds after reading all of it, however damaged it is."""
    return _Surveyor(store).run()


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
                _quick_summary(self._store, ahead, footer.summary_start, footer_at)
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
        if opcode not in _READ:
            self._take_place(place)
            return
        record: Any = _READ[opcode](read_stream(self._store.read(place.body, place.length)))
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
                    record = _READ[place.opcode](body)
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
            or last.length > _LOOSE_BYTES
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
    if footer.summary_crc and length <= _MOST_SUMMARY_BYTES:
        summary = store.read(footer.summary_start, length)
        if zlib.crc32(summary) != footer.summary_crc:
            return ['the checksum of its summary does not match']
    return []


_READ: dict[int, Any] = {
    Opcode.HEADER: Header.read,
    Opcode.SCHEMA: Schema.read,
    Opcode.CHANNEL: Channel.read,
    Opcode.METADATA: Metadata.read,
    Opcode.STATISTICS: Statistics.read,
    Opcode.CHUNK_INDEX: ChunkIndex.read,
    Opcode.FOOTER: Footer.read,
    Opcode.DATA_END: lambda _: None,
}


def _quick(store: Store) -> McapSurvey | None:
    if store.read(0, len(MAGIC)) != MAGIC or not has_footer(store):
        return None
    survey = McapSurvey(size=store.size, is_finished=True, is_quick=True)
    footer_at = store.size - len(MAGIC) - HEAD.size - 20
    footer = Footer.read(read_stream(store.read(footer_at + HEAD.size, 20)))
    begin = footer.summary_start
    if not len(MAGIC) < begin < footer_at or footer_at - begin > _MOST_SUMMARY_BYTES:
        return None
    if footer.summary_crc:
        summary = store.read(begin, footer_at + HEAD.size + 16 - begin)
        if zlib.crc32(summary) != footer.summary_crc:
            return None
    indexes = _quick_summary(store, survey, begin, footer_at)
    if indexes is None or not _quick_walk(store, survey, begin):
        return None
    chunks = {(span.offset, span.length) for span in survey.spans if span.is_chunk}
    if chunks != indexes:
        return None
    return survey


def _quick_summary(
    store: Store, survey: McapSurvey, begin: int, end: int
) -> set[tuple[int, int]] | None:
    """Read a summary; return the positions of chunks that it gives, None if it is incomplete."""
    table, indexes, offset = survey.tables[0], set(), begin
    while offset < end:
        place = place_at(store, offset, end=end)
        if place is None or not is_record(store, place):
            return None
        offset = place.end
        if place.opcode not in _READ:
            continue
        record: Any = _READ[place.opcode](read_stream(store.read(place.body, place.length)))
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
                or span.length > _LOOSE_BYTES
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
