# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A reader of bags: rosbag2 folders, single .mcap and .db3 files, and ROS 1 bags."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore

from roof_detector.bags.bag_file_readers import BagFileReader, open_file
from roof_detector.bags.bag_folder import bag_files, named_files
from roof_detector.bags.bag_format import STORAGES
from roof_detector.bags.errors import BagError
from roof_detector.bags.mcap_survey import TopicFacts
from roof_detector.bags.metadata import NAME, read_metadata
from roof_detector.bags.schemas import MessageSchema, schema_in
from roof_detector.bags.topics import (
    BagMessage,
    BagTopic,
    choose_image_topic,
    merged,
    source_image_topics,
)
from roof_detector.bags.typestore import known_type, shared_typestore

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from rosbags.typesys.store import Typestore


class BagReader:
    """A reader of a rosbag2 folder, a single .mcap or .db3 file, or a ROS 1 bag.

    Cut-off files are read up to their last complete chunk, and damaged chunks are skipped;
    `damage` reports that for what was read so far.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).expanduser()
        try:
            self._sources, self._missing = _open(self.path)
        except OSError as error:
            msg = f'{self.path} cannot be read ({error.strerror}). Check its permissions.'
            raise BagError(msg) from error
        self.topics = merged([topic for source in self._sources for topic in source.topics])
        self._types: Typestore = get_typestore(Stores.EMPTY)

    @property
    def message_count(self) -> int:
        """Return how many messages can be read."""
        return sum(topic.message_count for topic in self.topics)

    @property
    def start_ns(self) -> int:
        """Return the log time of the first message, 0 without one."""
        return min((s.start_ns for s in self._filled()), default=0)

    @property
    def end_ns(self) -> int:
        """Return the log time of the last message, 0 without one."""
        return max((s.end_ns for s in self._filled()), default=0)

    @property
    def damage(self) -> tuple[str, ...]:
        """Return what cannot be read, one sentence for each finding; ask again after reading."""
        return (*self._missing, *(s.damage for s in self._sources if s.damage))

    def image_topics(self) -> tuple[BagTopic, ...]:
        """Return the topics that hold images, raw or compressed."""
        return tuple(topic for topic in self.topics if topic.is_image)

    def source_image_topics(self) -> list[BagTopic]:
        """Return the topics with camera images; see the function of this name."""
        return source_image_topics(self.topics, bag=str(self.path))

    def image_topic(self, wanted: str = '') -> BagTopic:
        """Return the topic to detect on; see `choose_image_topic`."""
        return choose_image_topic(self.topics, wanted=wanted, bag=str(self.path))

    def messages(self, topics: Collection[str] | None = None) -> Iterator[BagMessage]:
        """Yield the messages of the given topics (None: of all), file by file, by time."""
        chosen = [topic.name for topic in self.topics] if topics is None else topics
        for source in self._sources:
            yield from source.messages(chosen)

    def deserialize(self, message: BagMessage) -> Any:
        """Return a message as an object with ROS 2's field names."""
        self._ensure_registered(message.type_name)
        try:
            return self._types.deserialize_cdr(message.data, message.type_name)
        except Exception as error:  # generated code raises anything
            msg = (
                f'A message of {message.topic} in {self.path} is damaged: it is not a '
                f'{message.type_name} ({error}).'
            )
            raise BagError(msg) from error

    def schema(self, type_name: str) -> MessageSchema:
        """Return a type's schema as the bag defines it, or our own if it does not."""
        self._ensure_registered(type_name)
        return schema_in(self._types, type_name)

    def close(self) -> None:
        """Close all files."""
        for source in self._sources:
            source.close()
        self._sources = []

    def __enter__(self) -> BagReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ensure_registered(self, type_name: str) -> None:
        """Register a type if needed; raise BagError if the bag's definition is damaged."""
        if type_name in self._types.fielddefs:
            return
        try:
            self._register(type_name)
        except BagError:
            raise
        except Exception as error:  # rosbags raises anything for a damaged definition
            reason = ' '.join(str(error).split())[:200] or type(error).__name__
            msg = f'The definition of {type_name} in {self.path} cannot be read: {reason}.'
            raise BagError(msg) from error

    def _register(self, type_name: str) -> None:
        """Register a type as the bag defines it, or with our definition if the bag does not."""
        text = next((t.definition for t in self.topics if t.type_name == type_name), '')
        if 'IDL: ' in text:
            types = {}
            for part in text.split('=' * 80 + '\n')[1:]:
                types.update(get_types_from_idl(part.split('\n', 1)[1]))
        elif text:
            types = get_types_from_msg(text, type_name)
        else:
            types = shared_typestore().fielddefs
            known_type(type_name, shared_typestore())
        self._types.register({k: v for k, v in types.items() if k not in self._types.fielddefs})

    def _filled(self) -> list[BagFileReader]:
        return [s for s in self._sources if any(t.message_count for t in s.topics)]


def _open(path: Path) -> tuple[list[BagFileReader], tuple[str, ...]]:
    """Open the files of a bag; return them, and messages about files that were left out."""
    if not path.exists():
        msg = f'There is no bag {path}. Check the path; a bag is a folder or a file.'
        raise BagError(msg)
    if path.name == NAME:
        path = path.parent
    if path.is_file():
        return [open_file(path)], ()
    information = read_metadata(path)
    if information['storage_identifier'] not in STORAGES:
        msg = (
            f'{path} is stored as {information["storage_identifier"]!r:.50}; only '
            f'{" and ".join(STORAGES)} can be read. Convert it with "ros2 bag convert".'
        )
        raise BagError(msg)
    return open_files(path, information)


def open_files(
    path: Path, information: Mapping[str, Any], *, instead: Mapping[str, Path] | None = None
) -> tuple[list[BagFileReader], tuple[str, ...]]:
    """Open the files that a metadata.yaml names, some at another path; see `_open`."""
    mode, packing = information['compression_mode'].lower(), information['compression_format']
    if mode not in ('', 'none') and packing != 'zstd':
        msg = f'{path} is compressed as {packing!r:.50}; only zstd can be read.'
        raise BagError(msg)
    files = named_files(path, information['relative_file_paths'])
    files = [(instead or {}).get(file.name, file) for file in files]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        msg = (
            f'{path} lacks files that its {NAME} names: {", ".join(missing)}. Put them back, or '
            f'let "roof_detector bag recover {path}" make a bag of the others.'
        )
        raise BagError(msg)
    named = {file.name for file in files}
    messages = [
        f'{one.name} lies in {path} and is skipped: {NAME} does not name it. "roof_detector bag '
        'recover" includes it.'
        for one in bag_files(path)
        if one.name not in named and one.plain_name not in named and one.path.stat().st_size
    ]
    announced = [
        TopicFacts.announced(one['topic_metadata'])
        for one in information['topics_with_message_count']
    ]
    sources: list[BagFileReader] = []
    refused: list[BagError] = []
    with ExitStack() as stack:
        for file in files:
            try:
                source = open_file(file, packs_messages=mode == 'message', announced=announced)
            except BagError as error:
                refused.append(error)
                continue
            stack.callback(source.close)
            sources.append(source)
        if refused and not sources:
            raise refused[0]
        stack.pop_all()
    return sources, (*messages, *map(str, refused))
