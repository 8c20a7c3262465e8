# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The writing of a sound MCAP file from all that was found in a damaged one."""

from __future__ import annotations

import os
import struct
import zlib
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import lz4.frame
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    AttachmentIndex,
    Channel,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    MessageIndex,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
    SummaryOffset,
)

from roof_detector.bags.bounds import zstd
from roof_detector.bags.mcap_chunk import read_chunk
from roof_detector.bags.mcap_records import CHUNK_HEAD, HEAD, MAGIC, MESSAGE_HEAD, Place
from roof_detector.bags.mcap_span_messages import span_messages
from roof_detector.bags.mcap_survey import UNKNOWN_SCHEMA, Span
from roof_detector.bags.message_sum import MessageSum

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from roof_detector.bags.mcap_records import Store
    from roof_detector.bags.mcap_span_messages import SpanMessage
    from roof_detector.bags.mcap_survey import McapSurvey

_Definition = TypeVar('_Definition', Schema, Channel)

_CHUNK_BYTES = 1 << 20
_COPY_BYTES = 1 << 20
_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    '': bytes,
    'lz4': lz4.frame.compress,
    'zstd': zstd.compress,
}


@dataclass
class _Definitions:
    """Schemas and channels of the new file, and the number there of each channel found."""

    schemas: dict[int, Schema] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    numbers: dict[tuple[int, int], int] = field(default_factory=dict)

    def schema_of(self, schema: Schema) -> int:
        """Return the number of a schema, a new one if its own is taken."""
        return _placed(self.schemas, schema)

    def add_channel(self, key: tuple[int, int], channel: Channel) -> None:
        """Add a channel, under a new number if its own is taken."""
        self.numbers[key] = _placed(self.channels, channel)


def rebuild(
    store: Store,
    survey: McapSurvey,
    target: Path,
    *,
    record: Mapping[str, str],
    record_name: str,
) -> MessageSum:
    """Write a new file of everything that a survey found; return the sum of its messages.

    Sound chunks are copied unchanged. The survey's definitions are complete. `record` says what
    was done.
    """
    definitions = _definitions(survey)
    with target.open('xb') as file:
        writer = _Writer(file, store, survey, definitions)
        writer.write(record, record_name)
        file.flush()
        os.fsync(file.fileno())
    return writer.sum


class _Writer:
    """A writer of single records that collects what the summary needs."""

    def __init__(
        self, file: BinaryIO, store: Store, survey: McapSurvey, definitions: _Definitions
    ) -> None:
        self._file = file
        self._store = store
        self._survey = survey
        self._definitions = definitions
        self._chunks: list[ChunkIndex] = []
        self._metadata: list[MetadataIndex] = []
        self._attachments: list[AttachmentIndex] = []
        self._counts: Counter[int] = Counter()
        self._start_ns, self._end_ns = 2**64 - 1, 0
        used = Counter(span.compression for span in survey.spans if span.is_chunk)
        self._compression = used.most_common(1)[0][0] if used else ''
        self.sum = MessageSum()

    def write(self, record: Mapping[str, str], record_name: str) -> None:
        self._file.write(MAGIC)
        builder = RecordBuilder()
        Header('ros2', self._survey.library or 'roof_detector').write(builder)
        for definition in (
            *self._definitions.schemas.values(),
            *self._definitions.channels.values(),
        ):
            definition.write(builder)
        self._file.write(builder.end())
        places: list[tuple[int, Span | Place]] = [(s.offset, s) for s in self._survey.spans]
        places += [(place.offset, place) for place, _ in self._survey.metadata]
        places += [(place.offset, place) for place in self._survey.attachments]
        places += [(place.offset, place) for place in self._survey.private]
        names = {place.offset: one.name for place, one in self._survey.metadata}
        for offset, found in sorted(places, key=lambda one: one[0]):
            if isinstance(found, Span):
                self._write_span(found)
            else:
                self._copy(found, name=names.get(offset, ''))
        self._add_metadata(Metadata(record_name, dict(record)))
        self._finish()

    def _write_span(self, span: Span) -> None:
        if span.is_chunk and not span.problem and self._keeps_numbers(span):
            self._copy_chunk(span)
            return
        messages: list[tuple[int, SpanMessage]] = []
        size = 0
        for message in span_messages(self._store, self._survey, span):
            number = self._definitions.numbers[message.table, message.channel]
            messages.append((number, message))
            size += len(message.data)
            if size >= _CHUNK_BYTES:
                self._write_chunk(messages)
                messages, size = [], 0
        if messages:
            self._write_chunk(messages)

    def _keeps_numbers(self, span: Span) -> bool:
        return not span.turns and all(
            self._definitions.numbers.get((span.table, channel_id)) == channel_id
            for channel_id in self._survey.tables[span.table].channels
        )

    def _copy_chunk(self, span: Span) -> None:
        chunk = read_chunk(self._store, Place(Opcode.CHUNK, span.offset, span.length - HEAD.size))
        entries: dict[int, list[tuple[int, int]]] = {}
        offset, end = 0, len(chunk.content)
        while offset < end:
            opcode, length = HEAD.unpack_from(chunk.content, offset)
            body = offset + HEAD.size
            if opcode == Opcode.MESSAGE:
                number, _, log_time, _ = MESSAGE_HEAD.unpack_from(chunk.content, body)
                entries.setdefault(number, []).append((log_time, offset))
                data = chunk.content[body + MESSAGE_HEAD.size : body + length]
                self._count(number, log_time, data)
            offset = body + length
        start = self._file.tell()
        self._copy_bytes(span.offset, span.length)
        self._index_chunk(start, span.compression, span.packed_bytes, end, entries)

    def _write_chunk(self, messages: list[tuple[int, SpanMessage]]) -> None:
        parts, entries, offset = [], dict[int, list[tuple[int, int]]](), 0
        for number, message in messages:
            entries.setdefault(number, []).append((message.log_time_ns, offset))
            head = HEAD.pack(Opcode.MESSAGE, MESSAGE_HEAD.size + len(message.data))
            fields = MESSAGE_HEAD.pack(
                number, message.sequence, message.log_time_ns, message.publish_time_ns
            )
            parts += [head, fields, message.data]
            offset += HEAD.size + MESSAGE_HEAD.size + len(message.data)
            self._count(number, message.log_time_ns, message.data)
        content = b''.join(parts)
        packed = _COMPRESS[self._compression](content)
        times = [message.log_time_ns for _, message in messages]
        name = self._compression.encode()
        fields = CHUNK_HEAD.pack(
            min(times), max(times), len(content), zlib.crc32(content), len(name)
        )
        fields += name + struct.pack('<Q', len(packed))
        start = self._file.tell()
        self._file.write(HEAD.pack(Opcode.CHUNK, len(fields) + len(packed)))
        self._file.write(fields)
        self._file.write(packed)
        self._index_chunk(start, self._compression, len(packed), len(content), entries)

    def _index_chunk(
        self,
        start: int,
        compression: str,
        packed_bytes: int,
        unpacked_bytes: int,
        entries: dict[int, list[tuple[int, int]]],
    ) -> None:
        end = self._file.tell()
        times = [time_ns for found in entries.values() for time_ns, _ in found]
        index = ChunkIndex(
            chunk_length=end - start,
            chunk_start_offset=start,
            compression=compression,
            compressed_size=packed_bytes,
            message_end_time=max(times, default=0),
            message_index_length=0,
            message_index_offsets={},
            message_start_time=min(times, default=0),
            uncompressed_size=unpacked_bytes,
        )
        builder = RecordBuilder()
        for number, found in entries.items():
            index.message_index_offsets[number] = end + builder.count
            MessageIndex(number, found).write(builder)
        index.message_index_length = builder.count
        self._file.write(builder.end())
        self._chunks.append(index)

    def _count(self, number: int, log_time_ns: int, data: bytes) -> None:
        self._counts[number] += 1
        self._start_ns = min(self._start_ns, log_time_ns)
        self._end_ns = max(self._end_ns, log_time_ns)
        self.sum.add(self._definitions.channels[number].topic, log_time_ns, data)

    def _copy(self, place: Place, *, name: str) -> None:
        start, length = self._file.tell(), HEAD.size + place.length
        self._copy_bytes(place.offset, length)
        if place.opcode == Opcode.METADATA:
            self._metadata.append(MetadataIndex(start, length, name))
        elif place.opcode == Opcode.ATTACHMENT:
            self._attachments.append(_attachment_index(self._store, place, start))

    def _copy_bytes(self, offset: int, length: int) -> None:
        for begin in range(offset, offset + length, _COPY_BYTES):
            self._file.write(self._store.read(begin, min(_COPY_BYTES, offset + length - begin)))

    def _add_metadata(self, record: Metadata) -> None:
        builder = RecordBuilder()
        record.write(builder)
        start, data = self._file.tell(), builder.end()
        self._file.write(data)
        self._metadata.append(MetadataIndex(start, len(data), record.name))

    def _finish(self) -> None:
        builder = RecordBuilder()
        DataEnd(0).write(builder)
        self._file.write(builder.end())
        begin = self._file.tell()
        groups = []
        count = sum(self._counts.values())
        statistics = Statistics(
            attachment_count=len(self._attachments),
            channel_count=len(self._definitions.channels),
            channel_message_counts=dict(self._counts),
            chunk_count=len(self._chunks),
            message_count=count,
            message_start_time=self._start_ns if count else 0,
            message_end_time=self._end_ns,
            metadata_count=len(self._metadata),
            schema_count=len(self._definitions.schemas),
        )
        for opcode, records in (
            (Opcode.SCHEMA, self._definitions.schemas.values()),
            (Opcode.CHANNEL, self._definitions.channels.values()),
            (Opcode.STATISTICS, [statistics]),
            (Opcode.CHUNK_INDEX, self._chunks),
            (Opcode.ATTACHMENT_INDEX, self._attachments),
            (Opcode.METADATA_INDEX, self._metadata),
        ):
            start = builder.count
            for record in records:
                record.write(builder)
            if builder.count > start:
                groups.append(SummaryOffset(opcode, begin + start, builder.count - start))
        offsets = begin + builder.count
        for group in groups:
            group.write(builder)
        summary = builder.end()
        head = HEAD.pack(Opcode.FOOTER, 20) + struct.pack('<QQ', begin, offsets)
        crc = zlib.crc32(head, zlib.crc32(summary))
        Footer(summary_start=begin, summary_offset_start=offsets, summary_crc=crc).write(builder)
        self._file.write(summary + builder.end() + MAGIC)


def _definitions(survey: McapSurvey) -> _Definitions:
    """Return the schemas and channels of the new file."""
    found = _Definitions()
    for number, table in enumerate(survey.tables):
        for channel in table.channels.values():
            schema = table.schemas.get(channel.schema_id)
            if schema is None:
                schema = replace(UNKNOWN_SCHEMA, id=channel.schema_id or 1)
            found.add_channel(
                (number, channel.id), replace(channel, schema_id=found.schema_of(schema))
            )
    return found


def _placed(known: dict[int, _Definition], one: _Definition) -> int:
    """Add a definition under its own number, or under the next free one."""
    for number, other in known.items():
        if replace(one, id=number) == other:
            return number
    number = one.id
    if number in known or not 0 < number < 1 << 16:
        number = next(free for free in range(1, 1 << 16) if free not in known)
    known[number] = replace(one, id=number)
    return number


def _attachment_index(store: Store, place: Place, start: int) -> AttachmentIndex:
    log_time, create_time = struct.unpack('<QQ', store.read(place.body, 16))
    at, names = place.body + 16, []
    for _ in range(2):
        (length,) = struct.unpack('<I', store.read(at, 4))
        names.append(store.read(at + 4, length).decode('utf-8', 'replace'))
        at += 4 + length
    (size,) = struct.unpack('<Q', store.read(at, 8))
    return AttachmentIndex(
        start, HEAD.size + place.length, log_time, create_time, size, names[0], names[1]
    )
