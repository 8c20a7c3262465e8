# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The kinds of file that a bag is made of, each behind the same few methods."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from rosbags import rosbag1, rosbag2
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from roof_detector.bags.cut_off import CutOffMcap
from roof_detector.bags.errors import BagError
from roof_detector.bags.mcap_scan import is_complete
from roof_detector.bags.qos import LATCHED, OfferedQos, recorded_qos
from roof_detector.bags.topics import BagMessage, BagTopic

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

_HEADER = 'std_msgs/msg/Header'


class Source(Protocol):
    """Read one file, or one folder that only rosbags can read."""

    topics: tuple[BagTopic, ...]
    start_ns: int
    end_ns: int
    damage: str

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        """Yield the messages of the topics by time."""

    def close(self) -> None:
        """Close what is open."""


class Rosbag2Source:
    """Read a whole MCAP or SQLite file, or a whole folder, through rosbags."""

    damage = ''

    def __init__(self, path: Path) -> None:
        self._path = path
        with _translated(path):
            self._reader = rosbag2.Reader(path)
            self._reader.open()
        self.start_ns, self.end_ns = self._reader.start_time, self._reader.end_time - 1
        self.topics = tuple(
            BagTopic(
                c.topic,
                c.msgtype,
                c.msgcount,
                c.msgdef.data,
                tuple(map(OfferedQos.of, getattr(c.ext, 'offered_qos_profiles', ()))),
            )
            for c in self._reader.connections
        )

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        """Yield the messages of the topics by time."""
        connections = [c for c in self._reader.connections if c.topic in topics]
        if not connections:
            return
        with _translated(self._path):
            for connection, log_time_ns, data in self._reader.messages(connections):
                yield BagMessage(connection.topic, connection.msgtype, log_time_ns, data)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


class CutOffSource:
    """Read what is whole of an MCAP file that was never finished."""

    def __init__(self, path: Path) -> None:
        self._file = CutOffMcap(path)
        self.damage = self._file.damage
        self.start_ns, self.end_ns = self._file.start_ns, self._file.end_ns
        self._by_channel = {
            channel.id: BagTopic(
                channel.topic,
                schema.name,
                self._file.message_counts.get(channel.id, 0),
                schema.data.decode(errors='replace'),
                recorded_qos(channel.metadata.get('offered_qos_profiles', '')),
            )
            for channel in self._file.channels.values()
            if (schema := self._file.schemas.get(channel.schema_id)) is not None
        }
        self.topics = tuple(self._by_channel.values())

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        """Yield the messages of the topics, chunk by chunk."""
        for message in self._file.messages():
            topic = self._by_channel.get(message.channel_id)
            if topic is not None and topic.name in topics:
                yield BagMessage(topic.name, topic.type_name, message.log_time, message.data)

    def close(self) -> None:
        """Do nothing: the file is open only while it is read."""


class Rosbag1Source:
    """Read a ROS 1 bag; its messages come out as CDR of the ROS 2 type of the same name."""

    damage = ''

    def __init__(self, path: Path) -> None:
        self._path = path
        with _translated(path):
            self._reader = rosbag1.Reader(path)
            self._reader.open()
        types = {}
        for connection in self._reader.connections:
            types.update(get_types_from_msg(connection.msgdef.data, connection.msgtype))
        ours = get_typestore(Stores.ROS2_JAZZY).fielddefs
        # Some fields changed nothing but their case, such as K and P of CameraInfo.
        types |= {
            k: ours[k] for k, v in types.items() if k in ours and _shape(ours[k]) == _shape(v)
        }
        # rosbags itself skips the one field that ROS 2's header lacks, seq.
        types[_HEADER] = ours[_HEADER]
        self._store = get_typestore(Stores.EMPTY)
        self._store.register(types)
        self.start_ns, self.end_ns = self._reader.start_time, self._reader.end_time - 1
        self.topics = tuple(
            BagTopic(
                c.topic,
                c.msgtype,
                c.msgcount,
                self._store.generate_msgdef(c.msgtype, ros_version=2)[0],
                (LATCHED if getattr(c.ext, 'latching', 0) else OfferedQos(),),
            )
            for c in self._reader.connections
        )

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        """Yield the messages of the topics by time."""
        connections = [c for c in self._reader.connections if c.topic in topics]
        if not connections:
            return
        with _translated(self._path):
            for connection, log_time_ns, raw in self._reader.messages(connections):
                data = bytes(self._store.ros1_to_cdr(raw, connection.msgtype))
                yield BagMessage(connection.topic, connection.msgtype, log_time_ns, data)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


def open_file(path: Path) -> Source:
    """Open one file of a bag by its kind; raise BagError for what is none."""
    if path.stat().st_size == 0:
        msg = f'{path} is empty: nothing was ever written to it.'
        raise BagError(msg)
    if path.suffix == '.mcap':
        return Rosbag2Source(path) if is_complete(path) else CutOffSource(path)
    if path.suffix == '.db3':
        return Rosbag2Source(path)
    if path.suffix == '.bag':
        return Rosbag1Source(path)
    msg = f'{path} is no bag; expected a rosbag2 folder, or a file .mcap, .db3 or .bag (ROS 1).'
    raise BagError(msg)


def _shape(definition: Any) -> list[tuple[str, Any]]:
    """Return the fields of a message type, by name without its case, and kind."""
    return [(name.lower(), kind) for name, kind in definition[1]]


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except BagError:
        raise
    except Exception as error:  # rosbags raises whatever it meets in a damaged file
        msg = f'{path} cannot be read: {str(error).rstrip(".")}.'
        raise BagError(msg) from error
