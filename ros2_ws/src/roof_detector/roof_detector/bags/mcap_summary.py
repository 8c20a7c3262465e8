# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from typing import TYPE_CHECKING

from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import DataEnd, Footer, Header, MessageIndex, Statistics, SummaryOffset
from mcap.writer import MCAP0_MAGIC

if TYPE_CHECKING:
    from roof_detector.bags.mcap_index import McapIndex


def missing_end(index: McapIndex) -> tuple[int, bytes]:
    """Return where a cut-off file must be cut and the bytes to append there to finish it."""
    cut, message_indexes = _message_indexes(index)
    builder = RecordBuilder()
    if cut == len(MCAP0_MAGIC):
        Header(profile='ros2', library='roof_detector').write(builder)
    builder.write(message_indexes)
    DataEnd(0).write(builder)
    summary_start = cut + builder.count
    groups = []
    for opcode, records in (
        (Opcode.SCHEMA, index.schemas.values()),
        (Opcode.CHANNEL, index.channels.values()),
        (Opcode.STATISTICS, [_statistics(index)]),
        (Opcode.CHUNK_INDEX, index.chunks),
        (Opcode.METADATA_INDEX, index.metadata_places),
    ):
        start = cut + builder.count
        for record in records:
            record.write(builder)
        if cut + builder.count > start:
            groups.append(SummaryOffset(opcode, start, cut + builder.count - start))
    offsets_start = cut + builder.count
    for group in groups:
        group.write(builder)
    Footer(summary_start=summary_start, summary_offset_start=offsets_start, summary_crc=0).write(
        builder
    )
    builder.write(MCAP0_MAGIC)
    return cut, builder.end()


def _message_indexes(index: McapIndex) -> tuple[int, bytes]:
    """Return the message indexes that the last chunk lacks, and where they belong."""
    if not index.chunks or set(index.chunks[-1].message_index_offsets) == set(index.last_entries):
        return index.end, b''
    chunk = index.chunks[-1]
    cut = chunk.chunk_start_offset + chunk.chunk_length
    builder = RecordBuilder()
    chunk.message_index_offsets = {}
    for channel_id, entries in index.last_entries.items():
        chunk.message_index_offsets[channel_id] = cut + builder.count
        MessageIndex(channel_id, entries).write(builder)
    chunk.message_index_length = builder.count
    return cut, builder.end()


def _statistics(index: McapIndex) -> Statistics:
    return Statistics(
        attachment_count=0,
        channel_count=len(index.channels),
        channel_message_counts=dict(index.counts),
        chunk_count=len(index.chunks),
        message_count=index.message_count,
        message_start_time=index.start_ns if index.message_count else 0,
        message_end_time=index.end_ns,
        metadata_count=len(index.metadata_places),
        schema_count=len(index.schemas),
    )
