# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from roof_detector.bags.errors import BagError

NAME = 'metadata.yaml'
VERSION = 9  # of rosbag2 in Jazzy: quality of service as YAML, not as a string of YAML
_ROOT = 'rosbag2_bagfile_information'
# The starting time of a bag without messages, as rosbag2 writes it.
_NEVER_NS = 2**63 - 1


@dataclass
class FileRecord:
    """Count what one file of a bag holds."""

    name: str
    message_count: int = 0
    start_ns: int = _NEVER_NS
    end_ns: int = 0
    topic_counts: Counter[str] = field(default_factory=Counter)

    def count(self, topic: str, log_time_ns: int) -> None:
        """Take note of one message."""
        self.message_count += 1
        self.topic_counts[topic] += 1
        self.start_ns = min(self.start_ns, log_time_ns)
        self.end_ns = max(self.end_ns, log_time_ns)

    @property
    def duration_ns(self) -> int:
        """Return the time between the first and the last message."""
        return max(0, self.end_ns - self.start_ns)


@dataclass
class TopicRecord:
    """Count the messages of one topic."""

    name: str
    type_name: str
    type_hash: str = ''
    offered_qos: list[dict[str, Any]] = field(default_factory=list)
    message_count: int = 0


@dataclass
class BagMetadata:
    """Hold what metadata.yaml says about an MCAP bag."""

    files: list[FileRecord] = field(default_factory=list)
    topics: dict[str, TopicRecord] = field(default_factory=dict)
    custom: dict[str, str] = field(default_factory=dict)
    # A file that is there for what comes next, and holds no message yet.
    coming: FileRecord | None = None

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

    def drop_file(self, file: FileRecord) -> None:
        """Say nothing any more of a file and its messages."""
        self.files.remove(file)
        for name, count in file.topic_counts.items():
            self.topics[name].message_count -= count

    def text(self, *, coming: FileRecord | None = None) -> str:
        """Return the content of metadata.yaml, with a file that will be there by then."""
        described = replace(self, coming=coming) if coming else self
        return to_yaml({_ROOT: described.as_dict()})

    def write(self, folder: Path) -> None:
        """Replace the folder's metadata.yaml."""
        write_metadata(folder, self.text())


def write_metadata(folder: Path, text: str) -> None:
    """Replace a folder's metadata.yaml as a whole, so that none is ever half written."""
    stage_metadata(folder, text).replace(folder / NAME)


def stage_metadata(folder: Path, text: str) -> Path:
    """Bring the text of a metadata.yaml onto the disk, to be renamed to it; return its path."""
    temporary = folder / f'{NAME}.part'
    with temporary.open('w', encoding='utf-8') as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def file_number(file: Path) -> tuple[int, str]:
    """Return what sorts bag_10.mcap behind bag_9.mcap."""
    digits = file.stem.rpartition('_')[2]
    return (int(digits) if digits.isdecimal() else 0, file.name)


def read_metadata(folder: Path) -> dict[str, Any]:
    """Return what a folder's metadata.yaml says, whoever wrote it."""
    path = folder / NAME
    if not path.is_file():
        msg = (
            f'{folder} has no {NAME}, so it is no whole rosbag2 bag. Write one with '
            f'"roof_detector bag recover {folder}", or name a single .mcap, .db3 or .bag file.'
        )
        raise BagError(msg)
    try:
        content = yaml.load(path.read_text(encoding='utf-8'), Loader=_LOADER)
        information = content[_ROOT]
        information['storage_identifier'], information['relative_file_paths']
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        msg = (
            f'{path} is not what rosbag2 writes ({type(error).__name__}: {error}). Mend the bag '
            f'with "roof_detector bag recover {folder}".'
        )
        raise BagError(msg) from error
    return dict(information)


def to_yaml(content: object) -> str:
    """Return the content as YAML in block style, keys in their given order."""
    return str(
        yaml.dump(content, Dumper=_DUMPER, sort_keys=False, default_flow_style=False, width=10**6)
    )


def from_yaml(text: str) -> Any:
    """Return what a YAML text holds."""
    return yaml.load(text, Loader=_LOADER)


# The same with libyaml, ten times as fast, where PyYAML was built with it.
_DUMPER = getattr(yaml, 'CSafeDumper', yaml.SafeDumper)
_LOADER = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
