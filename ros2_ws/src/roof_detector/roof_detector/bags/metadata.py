# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The metadata.yaml of a rosbag2 bag: written, and read with limits from any source."""

from __future__ import annotations

import copy
import os
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import yaml

from roof_detector.bags.bag_folder import is_within
from roof_detector.bags.errors import BagError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = 'metadata.yaml'
VERSION = 9  # of rosbag2 in Jazzy: quality of service as YAML, not as a string of YAML
_ROOT = 'rosbag2_bagfile_information'
# A metadata.yaml of ten thousand files and topics has 3 MB.
MOST_METADATA_BYTES = 16 << 20
_MOST_NODES, _MOST_DEPTH = 2_000_000, 50
_MOST_PATH, _MOST_REASON = 4096, 300
# The other keys that are read, and their defaults for older versions of rosbag2.
_KINDS: tuple[tuple[str, Any, Any], ...] = (
    ('version', int, 0),
    ('message_count', int, 0),
    ('duration', dict, {}),
    ('starting_time', dict, {}),
    ('topics_with_message_count', list, []),
    ('compression_format', str, ''),
    ('compression_mode', str, ''),
    ('custom_data', (dict, type(None)), None),
)
# The starting time of a bag without messages, as rosbag2 writes it.
_NEVER_NS = 2**63 - 1


@dataclass(kw_only=True)
class BagFileRecord:
    """The message counts and times of one file of a bag."""

    name: str
    message_count: int = 0
    start_ns: int = _NEVER_NS
    end_ns: int = 0
    topic_counts: Counter[str] = field(default_factory=Counter)

    def count(self, topic: str, log_time_ns: int) -> None:
        """Count one message."""
        self.message_count += 1
        self.topic_counts[topic] += 1
        self.start_ns = min(self.start_ns, log_time_ns)
        self.end_ns = max(self.end_ns, log_time_ns)

    @property
    def duration_ns(self) -> int:
        """Return the time between the first and the last message."""
        return max(0, self.end_ns - self.start_ns)


@dataclass(kw_only=True)
class TopicRecord:
    """A topic of a bag and the number of its messages."""

    name: str
    type_name: str
    type_hash: str = ''
    offered_qos: list[dict[str, Any]] = field(default_factory=list)
    message_count: int = 0


@dataclass(kw_only=True)
class BagMetadata:
    """The content of metadata.yaml for an MCAP bag."""

    files: list[BagFileRecord] = field(default_factory=list)
    topics: dict[str, TopicRecord] = field(default_factory=dict)
    custom: dict[str, str] = field(default_factory=dict)
    # A file that was prepared as the next one and holds no message yet.
    coming: BagFileRecord | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the content of metadata.yaml below its one root key."""
        files = [*self.files, self.coming] if self.coming else self.files
        start_ns = min((file.start_ns for file in self.files), default=_NEVER_NS)
        end_ns = max((file.end_ns for file in self.files), default=0)
        return {
            'version': VERSION,
            'storage_identifier': 'mcap',
            'duration': {'nanoseconds': max(0, end_ns - start_ns)},
            'starting_time': {'nanoseconds_since_epoch': start_ns},
            'message_count': sum(file.message_count for file in self.files),
            'topics_with_message_count': [
                {
                    'topic_metadata': {
                        'name': topic.name,
                        'type': topic.type_name,
                        'serialization_format': 'cdr',
                        'offered_qos_profiles': topic.offered_qos,
                        'type_description_hash': topic.type_hash,
                    },
                    'message_count': topic.message_count,
                }
                for topic in self.topics.values()
            ],
            'compression_format': '',
            'compression_mode': '',
            'relative_file_paths': [file.name for file in files],
            'files': [
                {
                    'path': file.name,
                    'starting_time': {'nanoseconds_since_epoch': file.start_ns},
                    'duration': {'nanoseconds': file.duration_ns},
                    'message_count': file.message_count,
                }
                for file in files
            ],
            'custom_data': self.custom or None,
            'ros_distro': 'jazzy',
        }

    def drop_file(self, file: BagFileRecord) -> None:
        """Remove a file and its messages."""
        self.files.remove(file)
        for name, count in file.topic_counts.items():
            self.topics[name].message_count -= count

    def text(self, *, coming: BagFileRecord | None = None) -> str:
        """Return the content of metadata.yaml, including a file that is about to exist."""
        described = replace(self, coming=coming) if coming else self
        return to_yaml({_ROOT: described.as_dict()})

    def write(self, folder: Path) -> None:
        """Replace the folder's metadata.yaml."""
        write_metadata(folder, self.text())


def write_metadata(folder: Path, text: str) -> None:
    """Replace a folder's metadata.yaml atomically."""
    stage_metadata(folder, text).replace(folder / NAME)


def stage_metadata(folder: Path, text: str) -> Path:
    """Write the text of a metadata.yaml to a temporary file on the disk; return its path."""
    temporary = folder / f'{NAME}.part'
    # An existing file was left by a crash, or is a link that must not be followed.
    temporary.unlink(missing_ok=True)
    with temporary.open('x', encoding='utf-8') as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def read_metadata(folder: Path) -> dict[str, Any]:
    """Return what a folder's metadata.yaml says, from any writer, with its types checked.

    Raises BagError if it is missing, foreign, damaged or too large.
    """
    path = folder / NAME
    if not is_within(path, folder):
        msg = (
            f'{folder} has no {NAME}, so it is not a complete rosbag2 bag. Write one with '
            f'"roof_detector bag recover {folder}", or name a single .mcap, .db3 or .bag file.'
        )
        raise BagError(msg)
    try:
        size = path.stat().st_size
        if size > MOST_METADATA_BYTES:
            msg = f'it has {size} bytes, more than the limit of {MOST_METADATA_BYTES}'
            raise ValueError(msg)
        return _checked(from_yaml(path.read_text(encoding='utf-8')))
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error)[:_MOST_REASON].rstrip('.')
        msg = (
            f'{path} is not what rosbag2 writes ({type(error).__name__}: {reason}). Repair the '
            f'bag with "roof_detector bag recover {folder}".'
        )
        raise BagError(msg) from error


def embedded_metadata(text: str) -> dict[str, Any]:
    """Return what rosbag2 wrote about a bag into a file of it, nothing if that is damaged."""
    try:
        content = from_yaml(text)
        return _checked(content if _ROOT in content else {_ROOT: content})
    except (ValueError, KeyError, TypeError):
        return {}


def metadata_text(information: Mapping[str, Any]) -> str:
    """Return the content of metadata.yaml for the values below its one root key."""
    return to_yaml({_ROOT: dict(information)})


def to_yaml(content: object) -> str:
    """Return the content as YAML in block style, keys in their given order."""
    return str(
        yaml.dump(content, Dumper=_DUMPER, sort_keys=False, default_flow_style=False, width=10**6)
    )


def from_yaml(text: str) -> Any:
    """Return the content of a bag's YAML text: maps, lists, strings, numbers, booleans and null.

    Raises ValueError for any other text, and for one that expands to more than a bag can hold.
    """
    if len(text) > MOST_METADATA_BYTES:
        msg = f'{len(text)} characters of YAML, at most {MOST_METADATA_BYTES} are read'
        raise ValueError(msg)
    try:
        return _built(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _checked(content: Any) -> dict[str, Any]:
    """Return the part below the root key if every key that is used has its type."""
    information = content[_ROOT]
    if not isinstance(information['storage_identifier'], str):
        msg = 'storage_identifier is not a string'
        raise TypeError(msg)
    names = information['relative_file_paths']
    if not isinstance(names, list) or not all(
        isinstance(name, str) and '\0' not in name and len(name) <= _MOST_PATH for name in names
    ):
        msg = 'relative_file_paths is not a list of names'
        raise TypeError(msg)
    for key, kind, default in _KINDS:
        if not isinstance(information.setdefault(key, copy.copy(default)), kind) or isinstance(
            information[key], bool
        ):
            msg = f'{key} is {information[key]!r:.50}'
            raise TypeError(msg)
    for key, part in (('duration', 'nanoseconds'), ('starting_time', 'nanoseconds_since_epoch')):
        if type(information[key].setdefault(part, 0)) is not int:
            msg = f'{key} is {information[key]!r:.50}'
            raise TypeError(msg)
    custom = information['custom_data'] or {}
    if not all(isinstance(key, str) for key in custom):
        msg = 'custom_data has keys that are not strings'
        raise TypeError(msg)
    information['custom_data'] = {key: str(value) for key, value in custom.items()} or None
    for topic in information['topics_with_message_count']:
        about = topic['topic_metadata']
        if not (isinstance(about['name'], str) and isinstance(about['type'], str)):
            msg = f'a topic is {about!r:.50}'
            raise TypeError(msg)
        if type(topic.setdefault('message_count', 0)) is not int:
            msg = f'the messages of {about["name"]!r:.50} are {topic["message_count"]!r:.50}'
            raise TypeError(msg)
    return dict(information)


def _built(text: str) -> Any:
    """Build the value of a YAML text from its events, without recursion, merges, dates and tags.

    PyYAML itself crashes the process on deeply nested texts, and its safe loader takes all memory
    for merged aliases and unlimited time for a number of a million digits.
    """
    root: list[Any] = []
    stack: list[tuple[Any, list[Any]]] = [(root, [])]  # open collections, and keys without a value
    anchors: dict[str, tuple[Any, int]] = {}
    anchors_open: list[str | None] = []
    weights: list[int] = [0]  # size of open collections with aliases expanded

    def add(value: Any, weight: int, anchor: str | None) -> None:
        if anchor is not None:
            anchors[anchor] = value, weight
        weights[-1] += weight
        if weights[-1] > _MOST_NODES:
            msg = f'it expands to more than {_MOST_NODES} values'
            raise ValueError(msg)
        parent, keys = stack[-1]
        if isinstance(parent, list):
            parent.append(value)
        elif not keys:
            keys.append(value)
        else:
            parent[_key(keys.pop())] = value

    for event in yaml.parse(text, Loader=_PARSER):
        if isinstance(event, yaml.ScalarEvent):
            add(_scalar(event), 1, event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in anchors:  # unknown, or still open: a cycle
                msg = f'alias {event.anchor!r:.50} stands for nothing'
                raise ValueError(msg)
            add(*anchors[event.anchor], None)
        elif isinstance(event, yaml.CollectionStartEvent):
            _no_tag(event, ('seq',) if isinstance(event, yaml.SequenceStartEvent) else ('map',))
            stack.append(([] if isinstance(event, yaml.SequenceStartEvent) else {}, []))
            weights.append(1)
            anchors_open.append(event.anchor)
            if len(stack) > _MOST_DEPTH:
                msg = f'it is nested deeper than {_MOST_DEPTH} levels'
                raise ValueError(msg)
        elif isinstance(event, yaml.CollectionEndEvent):
            value, _ = stack.pop()
            add(value, weights.pop(), anchors_open.pop())
        elif isinstance(event, yaml.DocumentEndEvent) and len(root) > 1:
            msg = 'it holds more than one document'
            raise ValueError(msg)
    return root[0] if root else None


def _scalar(event: Any) -> Any:
    """Return a string, or the value of an unquoted scalar."""
    text = str(event.value)
    _no_tag(event, ('str', 'int', 'float', 'bool', 'null'))
    if event.tag is not None:
        kinds = event.tag.removeprefix(_TAG)
        if kinds == 'str':
            return text
    elif not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _no_tag(event: Any, kinds: tuple[str, ...]) -> None:
    if event.tag not in (None, '!', *(_TAG + kind for kind in kinds)):
        msg = f'the tag {event.tag!r:.50} is not supported'
        raise ValueError(msg)


def _key(key: Any) -> Any:
    if isinstance(key, list | dict):
        msg = 'a key is not a string'
        raise ValueError(msg)
    return key


# The same with libyaml, ten times as fast, if PyYAML was built with it.
_DUMPER: Any = getattr(yaml, 'CSafeDumper', yaml.SafeDumper)
_PARSER: Any = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
_TAG = 'tag:yaml.org,2002:'
_INT = re.compile(r'[-+]?[0-9]{1,20}')
_FLOAT = re.compile(r'[-+]?[0-9]{0,20}\.[0-9]{1,20}(?:[eE][-+]?[0-9]{1,3})?')
_WORDS = {
    **dict.fromkeys(('', '~', 'null', 'Null', 'NULL')),
    **dict.fromkeys(('true', 'True', 'TRUE'), True),
    **dict.fromkeys(('false', 'False', 'FALSE'), False),
}
