# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, ChunkIndex, Message, Metadata, MetadataIndex, Schema
from mcap.writer import MCAP0_MAGIC

from roof_detector.bags.mcap_scan import DAMAGE, Record, records_in, whole_records

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class McapIndex:
    """Gather from a file's records what its summary has to say, whether it has one or not."""

    schemas: dict[int, Schema] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    chunks: list[ChunkIndex] = field(default_factory=list)
    metadata: list[Metadata] = field(default_factory=list)
    metadata_places: list[MetadataIndex] = field(default_factory=list)
    start_ns: int = 2**63 - 1
    end_ns: int = 0
    end: int = len(MCAP0_MAGIC)  # of the last whole record
    # Times and places of the messages in the last chunk, by channel: the message indexes that
    # must follow it, which a cut may have cost.
    last_entries: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path) -> McapIndex:
        """Scan a file up to its end, its cut or its first damage."""
        index = cls()
        for record in whole_records(path):
            try:
                if not index._take_record(record):
                    break
            except DAMAGE:
                break
            index.end = record.end
        return index

    @property
    def message_count(self) -> int:
        """Return how many messages the file holds."""
        return sum(self.counts.values())

    def _take_record(self, record: Record) -> bool:
        """Take one record of the file; return whether it was whole."""
        if record.opcode == Opcode.CHUNK:
            content = records_in(record)
            if content is None:
                return False
            self._take_chunk(record, content)
        elif record.opcode == Opcode.MESSAGE_INDEX and self.chunks:
            self._take_message_index(record)
        elif record.opcode == Opcode.METADATA:
            self._take_metadata(record)
        else:
            self._take(record)
        return True

    def _take_chunk(self, record: Record, content: list[Record]) -> None:
        head = Chunk.read(record.stream())
        self.last_entries = {}
        for inner in content:
            message = self._take(inner)
            if message is not None:
                entries = self.last_entries.setdefault(message.channel_id, [])
                entries.append((message.log_time, inner.offset))
        self.chunks.append(
            ChunkIndex(
                chunk_length=record.end - record.offset,
                chunk_start_offset=record.offset,
                compression=head.compression,
                compressed_size=len(head.data),
                message_end_time=head.message_end_time,
                message_index_length=0,
                message_index_offsets={},
                message_start_time=head.message_start_time,
                uncompressed_size=head.uncompressed_size,
            )
        )

    def _take_message_index(self, record: Record) -> None:
        channel_id = int.from_bytes(record.body[:2], 'little')
        self.chunks[-1].message_index_offsets[channel_id] = record.offset
        self.chunks[-1].message_index_length += record.end - record.offset

    def _take_metadata(self, record: Record) -> None:
        content = Metadata.read(record.stream())
        self.metadata.append(content)
        length = record.end - record.offset
        self.metadata_places.append(MetadataIndex(record.offset, length, content.name))

    def _take(self, record: Record) -> Message | None:
        if record.opcode == Opcode.SCHEMA:
            schema = Schema.read(record.stream())
            self.schemas[schema.id] = schema
        elif record.opcode == Opcode.CHANNEL:
            channel = Channel.read(record.stream())
            self.channels[channel.id] = channel
        elif record.opcode == Opcode.MESSAGE:
            message = Message.read(record.stream(), len(record.body))
            self.counts[message.channel_id] = self.counts.get(message.channel_id, 0) + 1
            self.start_ns = min(self.start_ns, message.log_time)
            self.end_ns = max(self.end_ns, message.log_time)
            return message
        return None
