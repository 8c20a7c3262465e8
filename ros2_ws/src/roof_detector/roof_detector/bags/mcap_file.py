# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from mcap.writer import CompressionType, Writer

from roof_detector.bags.errors import BagError
from roof_detector.bags.metadata import FileRecord, TopicRecord, to_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from roof_detector.bags.timed_message import TimedMessage

# A chunk is what is compressed, indexed and checked as one. Small ones cost little to lose and
# to skip through; this is near to rosbag2's 768 KiB.
CHUNK_BYTES = 1 << 20
COMPRESSIONS = {
    'none': CompressionType.NONE,
    'lz4': CompressionType.LZ4,
    'zstd': CompressionType.ZSTD,
}


class McapFile:
    """Write one MCAP file of a bag; everything up to the last sync survives a power cut."""

    def __init__(self, path: Path, *, compression: str) -> None:
        self._path = path
        self._stream = path.open('xb')
        self._writer = Writer(
            self._stream, chunk_size=CHUNK_BYTES, compression=COMPRESSIONS[compression]
        )
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}
        self._safe_bytes = 0
        self.record = FileRecord(path.name)
        self._writer.start(profile='ros2', library='roof_detector')

    def add_channel(self, topic: TopicRecord, *, schema_text: str) -> None:
        """Announce a topic; its schema is written once for each type."""
        if topic.type_name not in self._schemas:
            self._schemas[topic.type_name] = self._writer.register_schema(
                topic.type_name, 'ros2msg', schema_text.encode()
            )
        self._channels[topic.name] = self._writer.register_channel(
            topic.name,
            'cdr',
            self._schemas[topic.type_name],
            {
                'offered_qos_profiles': to_yaml(topic.offered_qos),
                'topic_type_hash': topic.type_hash,
            },
        )

    def write(self, message: TimedMessage) -> None:
        """Append one message."""
        self._writer.add_message(
            self._channels[message.topic],
            log_time=message.log_time_ns,
            data=message.data,
            publish_time=message.publish_time_ns,
        )
        self.record.count(message.topic, message.log_time_ns)

    def add_record(self, name: str, values: Mapping[str, str]) -> None:
        """Append a metadata record of names and values."""
        self._writer.add_metadata(name, dict(values))

    def hand_out(self) -> None:
        """Close the chunk in progress and hand everything to the kernel, out of a kill's reach."""
        self._writer.flush()
        self._safe_bytes = self._stream.tell()

    def sync(self) -> None:
        """Bring onto the disk what was handed out; another thread may do so."""
        os.fdatasync(self._stream.fileno())

    @property
    def size_bytes(self) -> int:
        """Return how many bytes were given to the file system."""
        return self._stream.tell()

    def is_full(self, log_time_ns: int, *, max_bytes: int, max_ns: int) -> bool:
        """Tell whether a message of this time belongs into the next file; limits of 0 are none."""
        if not self.record.message_count:
            return False
        too_big = 0 < max_bytes <= self.size_bytes
        return too_big or 0 < max_ns <= log_time_ns - self.record.start_ns

    def close(self) -> int:
        """Write the summary that makes the file quick to open, and return the size in bytes."""
        self._writer.finish()
        self._stream.flush()
        os.fsync(self._stream.fileno())
        size_bytes = self._stream.tell()
        self._stream.close()
        return size_bytes

    def abandon(self) -> None:
        """Close the file at its last flush, without a summary, after a write failed."""
        # Its buffer cannot be written, or the disk is gone: that is why the file is abandoned.
        with suppress(OSError):
            self._stream.close()
        with suppress(OSError), self._path.open('r+b') as file:
            file.truncate(self._safe_bytes)


def check_compression(compression: str) -> None:
    """Raise BagError for a compression that no file can be written with."""
    if compression not in COMPRESSIONS:
        msg = f'compression must be one of {", ".join(COMPRESSIONS)}, not {compression!r}.'
        raise BagError(msg)
