# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from typing import TYPE_CHECKING

from mcap.opcode import Opcode
from mcap.records import Channel, Message, Schema

from roof_detector.bags.mcap_scan import DAMAGE, Record, records_in, whole_records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class CutOffMcap:
    """Read an MCAP file that was never finished: all that is whole, in the order of the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.schemas: dict[int, Schema] = {}
        self.channels: dict[int, Channel] = {}
        self.message_counts: dict[int, int] = {}
        self.start_ns = 2**63 - 1
        self.end_ns = 0
        self.readable_bytes = 0
        for message in self.messages():
            known = self.message_counts.get(message.channel_id, 0)
            self.message_counts[message.channel_id] = known + 1
            self.start_ns = min(self.start_ns, message.log_time)
            self.end_ns = max(self.end_ns, message.log_time)

    @property
    def damage(self) -> str:
        """Return the sentence that says what cannot be read."""
        lost = self._path.stat().st_size - self.readable_bytes
        end = 'nothing but its summary is missing'
        if lost:
            end = f'the last {lost} of its bytes belong to a record that is not whole'
        return f'{self._path.name} was cut off: {end}. "roof_detector bag recover" mends the bag.'

    def messages(self) -> Iterator[Message]:
        """Yield every whole message, those of one chunk by time."""
        for record in whole_records(self._path):
            content = records_in(record) if record.opcode == Opcode.CHUNK else [record]
            if content is None:
                return
            try:
                messages = [message for inner in content for message in self._read(inner)]
            except DAMAGE:
                return
            yield from sorted(messages, key=lambda message: message.log_time)
            self.readable_bytes = record.end

    def _read(self, record: Record) -> Iterator[Message]:
        if record.opcode == Opcode.SCHEMA:
            schema = Schema.read(record.stream())
            self.schemas[schema.id] = schema
        elif record.opcode == Opcode.CHANNEL:
            channel = Channel.read(record.stream())
            self.channels[channel.id] = channel
        elif record.opcode == Opcode.MESSAGE:
            yield Message.read(record.stream(), len(record.body))
