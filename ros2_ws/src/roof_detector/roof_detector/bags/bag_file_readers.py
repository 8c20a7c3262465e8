# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Readers for each kind of file in a bag, with one interface."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

from rosbags import rosbag1
from rosbags.rosbag1.reader import decompressors as rosbag1_decompressors
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from roof_detector.bags.bag_folder import PACKED_SUFFIX, bag_file
from roof_detector.bags.bounds import (
    MOST_CHUNK_BYTES,
    ZSTD_MAGIC,
    message_content,
    unpack,
    unpack_file,
)
from roof_detector.bags.errors import BagError
from roof_detector.bags.mcap_file_reader import McapFileReader
from roof_detector.bags.qos import LATCHED, OfferedQos, recorded_qos
from roof_detector.bags.sqlite_file import SqliteContent, SqliteFile, SqliteTopic
from roof_detector.bags.topics import BagMessage, BagTopic, merged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from roof_detector.bags.mcap_survey import TopicFacts

_HEADER = 'std_msgs/msg/Header'


class BagFileReader(Protocol):
    """A reader of one file of a bag; `damage` reports what cannot be read, as far as is known."""

    topics: tuple[BagTopic, ...]
    start_ns: int
    end_ns: int

    @property
    def damage(self) -> str:
        """Return sentences that say what cannot be read, empty if nothing is known."""

    @property
    def unread(self) -> int:
        """Return how many messages were skipped one by one in the last reading."""

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        """Yield the messages of the topics by time."""

    def close(self) -> None:
        """Close the file."""


class SqliteFileReader:
    """A reader of a bag's SQLite file by time, also of one that is incomplete or damaged.

    With `packs_messages` each message was compressed by itself (None: decided by its bytes).
    """

    def __init__(self, path: Path, *, packs_messages: bool | None = False) -> None:
        self._path = path
        self._packs_messages = packs_messages
        self._file = SqliteFile(path)
        self._unread = 0
        content = self._file.content
        self.start_ns, self.end_ns = content.start_ns, content.end_ns
        self._by_id = {topic.id: _sqlite_topic(topic, content) for topic in content.topics}
        self.topics = tuple(merged(list(self._by_id.values())))

    @property
    def damage(self) -> str:
        """Return sentences that say what cannot be read, empty if nothing is known."""
        cause = []
        if problem := self._file.content.problem:
            cause.append(
                f'{self._path.name} is damaged ({problem}): {self._file.content.message_count} '
                'messages can be read from its pages. "roof_detector bag recover" repairs the bag.'
            )
        if self.unread:
            cause.append(
                f'{self.unread} messages of {self._path.name} are damaged or too large and were '
                'skipped.'
            )
        return ' '.join(cause)

    @property
    def unread(self) -> int:
        """Return how many messages were skipped one by one in the last reading."""
        return self._file.unread + self._unread

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        """Yield the messages of the topics by time."""
        chosen = {key for key, topic in self._by_id.items() if topic.name in topics}
        self._unread = 0
        for message in self._file.messages(chosen) if chosen else ():
            topic, data = self._by_id[message.topic_id], message.data
            is_packed = self._packs_messages or (
                self._packs_messages is None and data.startswith(ZSTD_MAGIC)
            )
            try:
                data = message_content(data) if is_packed else data
            except BagError:
                self._unread += 1
                continue
            yield BagMessage(
                topic=topic.name, type_name=topic.type_name, log_time_ns=message.time_ns, data=data
            )

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class CompressedFileReader:
    """A reader of a file that was compressed as a whole, through a decompressed copy."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = TemporaryDirectory(prefix='roof_detector-bag-')
        plain = Path(self._folder.name, path.name.removesuffix(PACKED_SUFFIX))
        try:
            self._problem = unpack_file(path, plain)
            if self._problem and not plain.stat().st_size:
                msg = f'{path} cannot be read: {self._problem}.'
                raise BagError(msg)
            self._source = open_file(plain)
        except BaseException:
            self._folder.cleanup()
            raise
        self.topics = self._source.topics
        self.start_ns, self.end_ns = self._source.start_ns, self._source.end_ns

    @property
    def damage(self) -> str:
        """Return sentences that say what cannot be read, empty if nothing is known."""
        cause = f'{self._path.name} is incomplete: {self._problem}.' if self._problem else ''
        return f'{cause} {self._source.damage}'.strip()

    @property
    def unread(self) -> int:
        """Return how many messages were skipped one by one in the last reading."""
        return self._source.unread

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        """Yield the messages of the topics by time."""
        return self._source.messages(topics)

    def close(self) -> None:
        """Close the file and remove the copy."""
        self._source.close()
        self._folder.cleanup()


class _DamagedChunkError(RuntimeError):
    """A chunk of a ROS 1 bag cannot be decompressed; the error says which and why."""

    def __init__(self, place: int, problem: str) -> None:
        super().__init__(problem)
        self.place, self.problem = place, problem


class Rosbag1FileReader:
    """A reader of a ROS 1 bag; its messages come out as CDR of the ROS 2 type of the same name."""

    unread = 0

    def __init__(self, path: Path) -> None:
        self._path = path
        self._damaged: dict[int, str] = {}  # the reason by the chunk's place in the file
        with _translated(path):
            self._reader = rosbag1.Reader(path)
            self._reader.open()
            self._bound_chunks()
        types = {}
        for connection in self._reader.connections:
            types.update(get_types_from_msg(connection.msgdef.data, connection.msgtype))
        ours = get_typestore(Stores.ROS2_JAZZY).fielddefs
        # Some fields changed only their case, such as K and P of CameraInfo.
        types |= {
            k: ours[k] for k, v in types.items() if k in ours and _shape(ours[k]) == _shape(v)
        }
        # rosbags itself skips seq, the one field that ROS 2's header lacks.
        types[_HEADER] = ours[_HEADER]
        self._store = get_typestore(Stores.EMPTY)
        self._store.register(types)
        self.start_ns, self.end_ns = self._reader.start_time, self._reader.end_time - 1
        self.topics = tuple(
            BagTopic(
                name=c.topic,
                type_name=c.msgtype,
                message_count=c.msgcount,
                definition=self._store.generate_msgdef(c.msgtype, ros_version=2)[0],
                offered_qos=(LATCHED if getattr(c.ext, 'latching', 0) else OfferedQos(),),
            )
            for c in self._reader.connections
        )

    @property
    def damage(self) -> str:
        """Return sentences that say what cannot be read, empty if nothing is known."""
        if not self._damaged:
            return ''
        return (
            f'{len(self._damaged)} of {len(self._reader.chunks)} chunks of {self._path.name} are '
            f'damaged and were skipped ({next(iter(self._damaged.values()))}).'
        )

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        """Yield the messages of the topics by time."""
        connections = [c for c in self._reader.connections if c.topic in topics]
        if not connections:
            return
        given, is_at_end = Counter[int](), False
        with _translated(self._path):
            while not is_at_end:
                start = max(given, default=None)
                again = Counter[int]()
                try:
                    for connection, log_time_ns, raw in self._reader.messages(connections, start):
                        again[log_time_ns] += 1
                        if again[log_time_ns] <= given[log_time_ns]:
                            continue
                        given = Counter({log_time_ns: again[log_time_ns]})
                        data = bytes(self._store.ros1_to_cdr(raw, connection.msgtype))
                        yield BagMessage(
                            topic=connection.topic,
                            type_name=connection.msgtype,
                            log_time_ns=log_time_ns,
                            data=data,
                        )
                    is_at_end = True
                except _DamagedChunkError as error:
                    self._skip(error)

    def _bound_chunks(self) -> None:
        """Decompress chunks within limits, and report which one cannot be."""

        def content(data: bytes, *, compression: str, place: int) -> bytes:
            unpacked = unpack(data, compression, most_bytes=MOST_CHUNK_BYTES)
            if unpacked.problem:
                raise _DamagedChunkError(place, unpacked.problem)
            return unpacked.content

        names = {function: name for name, function in rosbag1_decompressors.items()}
        for place, chunk in self._reader.chunks.items():
            compression = names[chunk.decompressor].replace('none', '')
            self._reader.chunks[place] = chunk._replace(
                decompressor=partial(content, compression=compression, place=place)
            )

    def _skip(self, error: _DamagedChunkError) -> None:
        """Remove the messages of a chunk from the index."""
        self._damaged[error.place] = error.problem
        self._reader.current_chunk = (-1, BytesIO())  # the reader closed the one before
        for connection, entries in self._reader.indexes.items():
            left = [entry for entry in entries if entry.chunk_pos != error.place]
            self._reader.indexes[connection] = left

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


def open_file(
    path: Path,
    *,
    packs_messages: bool | None = None,
    announced: Sequence[TopicFacts] = (),
) -> BagFileReader:
    """Open one file of a bag by its kind; raise BagError for anything else.

    `packs_messages` says whether each message was compressed by itself (None: decided by its
    bytes), `announced` which topics the bag's metadata.yaml knows, in its order.
    """
    if path.stat().st_size == 0 and not path.name.endswith('.db3'):
        msg = f'{path} is empty: nothing was ever written to it.'
        raise BagError(msg)
    if path.suffix == '.bag':
        return Rosbag1FileReader(path)
    kind = bag_file(path)
    if kind is None:
        msg = (
            f'{path} is not a bag; expected a rosbag2 folder, or a file .mcap, .db3 or .bag '
            '(ROS 1).'
        )
        raise BagError(msg)
    if kind.is_packed:
        return CompressedFileReader(path)
    if kind.storage == 'mcap':
        return McapFileReader(path, packs_messages=packs_messages, announced=announced)
    if path.stat().st_size == 0:
        msg = f'{path} is empty: nothing was ever written to it.'
        raise BagError(msg)
    return SqliteFileReader(path, packs_messages=packs_messages)


def _sqlite_topic(topic: SqliteTopic, content: SqliteContent) -> BagTopic:
    return BagTopic(
        name=topic.name,
        type_name=topic.type_name,
        message_count=content.counts.get(topic.id, 0),
        definition=content.definitions.get(topic.type_name, ('', '', ''))[1],
        offered_qos=recorded_qos(topic.offered_qos),
    )


def _shape(definition: Any) -> list[tuple[str, Any]]:
    """Return the fields of a message type by name in lower case, and kind."""
    return [(name.lower(), kind) for name, kind in definition[1]]


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except BagError:
        raise
    except Exception as error:  # rosbags raises anything for a damaged file
        msg = f'{path} cannot be read: {str(error).rstrip(".")}.'
        raise BagError(msg) from error
