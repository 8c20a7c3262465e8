# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.bags.folder_lock import is_locked
from roof_detector.bags.mcap_index import McapIndex
from roof_detector.bags.mcap_scan import is_complete
from roof_detector.bags.mcap_summary import missing_end
from roof_detector.bags.metadata import (
    NAME,
    BagMetadata,
    FileRecord,
    TopicRecord,
    file_number,
    from_yaml,
)
from roof_detector.bags.records import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Recovery:
    """Say what was mended and what was lost."""

    path: Path
    mended: tuple[str, ...]
    message_count: int
    lost_bytes: int


def recover(path: Path | str) -> Recovery:
    """Finish the cut-off files of an MCAP bag and rebuild its metadata.yaml, in place.

    Works on a full disk: what is not whole at a file's end is cut off and the summary appended;
    whole chunks stay untouched. Files that are finished stay as they are. Raises BagError.
    """
    path = Path(path).expanduser()
    metadata, mended, lost_bytes = BagMetadata(), [], 0
    if path.is_dir() and is_locked(path):
        msg = f'{path} is being written at this moment; end the recording first.'
        raise BagError(msg)
    for file in _files(path):
        try:
            index = McapIndex.of(file)
            if not is_complete(file):
                lost_bytes += _finish(file, index)
                mended.append(file.name)
        except OSError as error:
            msg = f'{file} cannot be mended ({error.strerror}). Is it yours, and writable?'
            raise BagError(msg) from error
        _describe(index, metadata, name=file.name)
    if path.is_dir():
        try:
            metadata.write(path)
        except OSError as error:
            msg = f'{path / NAME} cannot be written ({error.strerror}).'
            raise BagError(msg) from error
    count = sum(record.message_count for record in metadata.files)
    return Recovery(path, tuple(mended), count, lost_bytes)


def _files(path: Path) -> Sequence[Path]:
    if not path.exists():
        msg = f'There is no bag {path}. Check the path; a bag is a folder or a .mcap file.'
        raise BagError(msg)
    found = list(path.glob('*.mcap')) if path.is_dir() else [path]
    # A file is empty when the crash came between its making and its first flush.
    files = sorted((file for file in found if file.stat().st_size), key=file_number)
    if not files or files[0].suffix != '.mcap':
        msg = f'{path} holds no .mcap file with anything in it; there is nothing to recover.'
        raise BagError(msg)
    return files


def _finish(file: Path, index: McapIndex) -> int:
    """Append what a cut-off file lacks and return how many bytes were not whole."""
    cut, end = missing_end(index)
    with file.open('r+b') as stream:
        lost_bytes = stream.seek(0, os.SEEK_END) - index.end
        stream.truncate(cut)
        stream.seek(cut)
        stream.write(end)
        stream.flush()
        os.fsync(stream.fileno())
    return lost_bytes


def _describe(index: McapIndex, metadata: BagMetadata, *, name: str) -> None:
    """Add one file to the bag's metadata."""
    metadata.files.append(FileRecord(name, index.message_count, index.start_ns, index.end_ns))
    for record in index.metadata:
        if record.name == MANIFEST:
            metadata.custom.update(record.metadata)
    for channel in index.channels.values():
        schema = index.schemas.get(channel.schema_id)
        topic = metadata.topics.setdefault(
            channel.topic,
            TopicRecord(
                channel.topic,
                schema.name if schema else '',
                channel.metadata.get('topic_type_hash', ''),
                from_yaml(channel.metadata.get('offered_qos_profiles', '')) or [],
            ),
        )
        topic.message_count += index.counts.get(channel.id, 0)
