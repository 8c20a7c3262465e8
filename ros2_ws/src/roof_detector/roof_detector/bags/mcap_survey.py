# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a survey of an MCAP file holds: its definitions, and where its messages lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcap.opcode import Opcode
from mcap.records import Channel, ChunkIndex, Footer, Header, Metadata, Schema, Statistics

from roof_detector.bags.metadata import to_yaml
from roof_detector.bags.qos import recorded_qos
from roof_detector.bags.schemas import known_definition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from roof_detector.bags.mcap_records import Place
    from roof_detector.bags.mcap_scan import Gap
    from roof_detector.bags.qos import OfferedQos

# Messages without a chunk are read in blocks of this size.
LOOSE_BYTES = 1 << 20
MOST_SUMMARY_BYTES = 256 << 20
# What reads the content of each kind of record that a survey looks at.
RECORD_READERS: dict[int, Any] = {
    Opcode.HEADER: Header.read,
    Opcode.SCHEMA: Schema.read,
    Opcode.CHANNEL: Channel.read,
    Opcode.METADATA: Metadata.read,
    Opcode.STATISTICS: Statistics.read,
    Opcode.CHUNK_INDEX: ChunkIndex.read,
    Opcode.FOOTER: Footer.read,
    Opcode.DATA_END: lambda _: None,
}
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
