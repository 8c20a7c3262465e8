# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One MCAP file that is being written, which stays readable after a crash or a full disk."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from copy import deepcopy
from typing import IO, TYPE_CHECKING, Any, cast

from mcap.writer import CompressionType, Writer

from roof_detector.bags.bag_format import COMPRESSIONS
from roof_detector.bags.errors import BagError
from roof_detector.bags.metadata import BagFileRecord, TopicRecord, to_yaml
from roof_detector.bags.timed_message import TimedMessage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from roof_detector.bags.bag_format import Compression

# A chunk is compressed, indexed and checked as one. Small chunks cost little to lose and to skip;
# this is close to rosbag2's 768 KiB.
CHUNK_BYTES = 1 << 20
_COMPRESSION_TYPES: dict[Compression, CompressionType] = {
    'none': CompressionType.NONE,
    'lz4': CompressionType.LZ4,
    'zstd': CompressionType.ZSTD,
}
# MCAP times are unsigned, ROS times signed: the range that both can hold.
_MAX_TIME_NS = 2**63 - 1
# A message, or the name and the values of a metadata record.
Entry = TimedMessage | tuple[str, dict[str, str]]


class McapFile:
    """A writer of one MCAP file of a bag.

    Flushed data is in the kernel, where a kill of the process cannot reach it; synced data
    survives a power cut. After a failed write, `give_up` ends the file with the data that is
    complete and returns the rest.
    """

    def __init__(self, path: Path, *, name: str, compression: Compression) -> None:
        """Create the file; `name` is its name in the bag."""
        self.path = path
        self.record = BagFileRecord(name=name)
        self.manifest: Mapping[str, str] = {}  # the manifest at the start of the file
        self._out = _Unbuffered(path)
        try:
            self._writer = Writer(
                cast('IO[Any]', self._out),
                chunk_size=CHUNK_BYTES,
                compression=_COMPRESSION_TYPES[compression],
            )
            self._schemas: dict[tuple[str, str], int] = {}
            self._channels: dict[str, int] = {}
            self._pending: list[Entry] = []
            self._writer.start(profile='ros2', library='roof_detector')
        except BaseException:
            self._out.close()
            raise
        self._mark_safe()

    def add_channel(self, topic: TopicRecord, *, schema_text: str) -> None:
        """Add a topic; its schema is written once for each type."""
        schema = topic.type_name, schema_text
        if schema not in self._schemas:
            self._schemas[schema] = self._writer.register_schema(
                topic.type_name, 'ros2msg', schema_text.encode()
            )
        self._channels[topic.name] = self._writer.register_channel(
            topic.name,
            'cdr',
            self._schemas[schema],
            {
                'offered_qos_profiles': to_yaml(topic.offered_qos),
                'topic_type_hash': topic.type_hash,
            },
        )

    def has_channel(self, topic: str) -> bool:
        """Return whether a topic was added to this file."""
        return topic in self._channels

    def write(self, message: TimedMessage) -> None:
        """Append one message. If that raises, the message was not accepted."""
        begin = self._out.position
        log_time_ns = _time(message.log_time_ns)
        self._writer.add_message(
            self._channels[message.topic],
            log_time=log_time_ns,
            data=message.data,
            publish_time=_time(message.publish_time_ns),
        )
        self.record.count(message.topic, log_time_ns)
        self._pending.append(message)
        if self._out.position != begin:  # its chunk was full, and it is the last message in it
            self._mark_safe()

    def add_record(self, name: str, values: Mapping[str, str]) -> None:
        """Append a metadata record of names and values after all messages so far."""
        self.flush()
        self._writer.add_metadata(name, dict(values))
        self._mark_safe()

    def flush(self) -> None:
        """Close the chunk in progress and hand all data to the kernel, beyond a kill's reach."""
        self._writer.flush()
        self._mark_safe()

    def sync(self) -> None:
        """Sync the flushed data to the disk; another thread may do so.

        Raises OSError also if the file was deleted.
        """
        os.fdatasync(self._out.fileno())
        if not self.is_there:
            raise FileNotFoundError(errno.ENOENT, 'The file was deleted', str(self.path))

    @property
    def is_there(self) -> bool:
        """Return whether the file still has its name; otherwise it is lost once it is closed."""
        return self.path.exists()

    @property
    def size_bytes(self) -> int:
        """Return how many bytes were given to the file system."""
        return self._out.position

    def is_full(self, log_time_ns: int, *, max_bytes: int, max_ns: int) -> bool:
        """Return whether a message of this time belongs in the next file; limits of 0 are none."""
        if not self.record.message_count:
            return False
        too_big = 0 < max_bytes <= self.size_bytes
        return too_big or 0 < max_ns <= _time(log_time_ns) - self.record.start_ns

    def finish(self) -> None:
        """Write the rest, and the summary that makes the file quick to open."""
        self.flush()
        self._writer.finish()

    def close(self) -> None:
        """Sync the whole file to the disk and close it; another thread may do so."""
        try:
            os.fsync(self._out.fileno())
        finally:
            self._out.close()

    def give_up(self, *extra: tuple[str, dict[str, str]]) -> list[Entry]:
        """Close the file with its complete data, and return accepted messages that it lacks.

        `extra` are records for its end. On a full disk they and the summary take the space of the
        chunk that did not fit; a file without a summary is only slower to open.
        """
        lost, self._pending = self._pending, []
        try:
            self._rewind()
            for name, values in extra:
                self._writer.add_metadata(name, values)
            self._writer.finish()
        except (OSError, ValueError, AttributeError):  # also if it was closed already
            with suppress(OSError, ValueError):
                self._out.rewind(self._safe_bytes)
        with suppress(OSError, ValueError):
            self.close()
        return lost

    def discard(self) -> None:
        """Close and delete the file, which holds nothing."""
        with suppress(OSError):
            self._out.close()
        with suppress(OSError):
            self.path.unlink()

    def _mark_safe(self) -> None:
        """Remember the present state; a failed write is cut off back to it."""
        self._pending = []
        self._safe_bytes = self._out.position
        self._safe_record = deepcopy(self.record)
        self._safe_state = _state(self._writer)

    def _rewind(self) -> None:
        """Return to the last safe state."""
        self.record.__dict__.update(deepcopy(self._safe_record).__dict__)
        self._out.rewind(self._safe_bytes)
        _restore(self._writer, self._safe_state)


class _Unbuffered:
    """An unbuffered file whose writes reach the kernel at once, and whose position is known.

    mcap writes a whole chunk at a time, so a buffer would only delay it.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open('xb', buffering=0)
        self.fileno = self._file.fileno
        self.close = self._file.close
        self.position = 0

    def write(self, data: bytes) -> int:
        """Write all of the data, or raise OSError."""
        left = memoryview(data)
        while left:
            written = self._file.write(left)
            self.position += written
            left = left[written:]
        return len(data)

    def tell(self) -> int:
        """Return the position, as mcap expects."""
        return self.position

    def flush(self) -> None:
        """Do nothing: no data is held back."""

    def rewind(self, position: int) -> None:
        """Cut off what was written after a position, and continue there."""
        self._file.truncate(position)
        self._file.seek(position)
        self.position = position


def check_compression(compression: Compression) -> None:
    """Raise BagError for an unknown compression."""
    if compression not in COMPRESSIONS:
        msg = f'compression must be one of {", ".join(COMPRESSIONS)}, not {compression!r}.'
        raise BagError(msg)


def _time(time_ns: int) -> int:
    """Return a time that MCAP and ROS can hold; a wrong clock may be before 1970."""
    return min(max(time_ns, 0), _MAX_TIME_NS)


def _state(writer: Writer) -> tuple[int, int, Any]:
    """Return a writer's summary counts. mcap has no public way to undo a write.

    Empty if another version of mcap names them differently.
    """
    inner: Any = writer
    return (
        len(getattr(inner, '_Writer__chunk_indices', ())),
        len(getattr(inner, '_Writer__metadata_indexes', ())),
        deepcopy(getattr(inner, '_Writer__statistics', None)),
    )


def _restore(writer: Writer, state: tuple[int, int, Any]) -> None:
    """Undo what a writer counted since `_state`; channels and schemas stay.

    Raises AttributeError with another version of mcap.
    """
    inner: Any = writer
    chunks, records, statistics = state
    statistics = deepcopy(statistics)
    statistics.channel_count = inner._Writer__statistics.channel_count
    statistics.schema_count = inner._Writer__statistics.schema_count
    del inner._Writer__chunk_indices[chunks:]
    del inner._Writer__metadata_indexes[records:]
    inner._Writer__chunk_builder.reset()
    inner._Writer__record_builder.end()
    inner._Writer__statistics = statistics
    inner._Writer__summary_offsets.clear()
