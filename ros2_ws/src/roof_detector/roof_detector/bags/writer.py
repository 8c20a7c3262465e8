# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.bags.disk import DiskFloor, new_folder, sync_folder
from roof_detector.bags.errors import BagError
from roof_detector.bags.mcap_file import McapFile, check_compression
from roof_detector.bags.metadata import BagMetadata, TopicRecord, to_yaml
from roof_detector.bags.schemas import MessageSchema, message_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from roof_detector.bags.qos import OfferedQos

MANIFEST = 'roof_detector'  # the name of the MCAP metadata record that holds the manifest


class BagWriter:
    """Write an MCAP rosbag2: a folder of one or more files and metadata.yaml.

    Serialised messages (CDR) are written as they come. At most every `flush_period_s` all of it is
    brought onto the disk, metadata.yaml last, so a crash or a power cut costs no more than
    that period; call `flush_if_due` while no message comes. A file is followed by the next when
    it has reached `max_file_bytes` or `max_file_s` (0: never). Writing stops with DiskFull
    before less than `min_free_bytes` are left. One thread at a time may use a writer.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        compression: str = 'lz4',
        flush_period_s: float = 1.0,
        max_file_bytes: int = 0,
        max_file_s: float = 0.0,
        min_free_bytes: int = 0,
        manifest: Mapping[str, str] | None = None,
    ) -> None:
        check_compression(compression)
        self.path = Path(path).expanduser().absolute()
        self._compression = compression
        self._flush_period_s = flush_period_s
        self._max_file_bytes = max_file_bytes
        self._max_file_ns = round(max_file_s * 1e9)
        self._floor = DiskFloor(self.path.parent, min_free_bytes=min_free_bytes)
        self._floor.check()
        self._metadata = BagMetadata(custom=dict(manifest or {}))
        self._schema_texts: dict[str, str] = {}
        self._finished_bytes = 0
        self._dirty = True
        self._flushed_at_s = time.monotonic()
        new_folder(self.path)
        self._file: McapFile | None = self._next_file()
        self.flush()

    def add_topic(
        self,
        name: str,
        type_name: str,
        *,
        offered_qos: Sequence[OfferedQos] = (),
        schema: MessageSchema | None = None,
    ) -> None:
        """Announce a topic before its first message; raise BagError for an unknown type.

        Give the `schema` of a type that only the bag knows which the messages come from.
        """
        if name in self._metadata.topics:
            msg = f'{name} is in {self.path} already; a topic is added once.'
            raise BagError(msg)
        schema = schema or message_schema(type_name)
        topic = TopicRecord(
            name, type_name, schema.type_hash, [profile.as_dict() for profile in offered_qos]
        )
        self._open_file().add_channel(topic, schema_text=schema.text)
        self._schema_texts[name] = schema.text
        self._metadata.topics[name] = topic
        self._dirty = True

    def write(
        self, topic: str, data: bytes, *, log_time_ns: int, publish_time_ns: int | None = None
    ) -> None:
        """Append one serialised message of a topic added before."""
        file = self._open_file()
        if topic not in self._metadata.topics:
            msg = f'{topic} was not added to {self.path}; call add_topic first.'
            raise BagError(msg)
        self._floor.spend(len(data))
        if self._is_full(file, log_time_ns):
            file = self._split()
        publish_time_ns = log_time_ns if publish_time_ns is None else publish_time_ns
        try:
            file.write(topic, data, log_time_ns=log_time_ns, publish_time_ns=publish_time_ns)
        except OSError as error:
            raise self._failed(error) from error
        self._metadata.topics[topic].message_count += 1
        self._dirty = True
        self.flush_if_due()

    def flush_if_due(self) -> None:
        """Flush when the period has passed since the last time."""
        if time.monotonic() - self._flushed_at_s >= self._flush_period_s:
            self.flush()

    def flush(self) -> None:
        """Bring all messages onto the disk, then metadata.yaml; check the free space."""
        file = self._open_file()
        self._flushed_at_s = time.monotonic()
        if not self._dirty:
            return
        try:
            file.flush()
            self._metadata.write(self.path)
        except OSError as error:
            raise self._failed(error) from error
        self._dirty = False
        self._floor.check()

    @property
    def message_count(self) -> int:
        """Return how many messages were written."""
        return sum(file.message_count for file in self._metadata.files)

    @property
    def size_bytes(self) -> int:
        """Return how many bytes the bag's files have, but for the chunk in progress."""
        return self._finished_bytes + (self._file.size_bytes if self._file else 0)

    def close(self) -> None:
        """Finish the bag. A second call does nothing."""
        if self._file is None:
            return
        try:
            self._finish_file(self._file)
            self._file = None
            self._metadata.write(self.path)
            sync_folder(self.path)
        except OSError as error:
            raise self._failed(error) from error

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open_file(self) -> McapFile:
        if self._file is None:
            msg = f'{self.path} is closed; nothing more can be written to it.'
            raise BagError(msg)
        return self._file

    def _is_full(self, file: McapFile, log_time_ns: int) -> bool:
        if not file.record.message_count:
            return False
        too_big = 0 < self._max_file_bytes <= file.size_bytes
        return too_big or 0 < self._max_file_ns <= log_time_ns - file.record.start_ns

    def _next_file(self) -> McapFile:
        name = f'{self.path.name}_{len(self._metadata.files)}.mcap'
        try:
            file = McapFile(self.path / name, compression=self._compression)
            sync_folder(self.path)
        except OSError as error:
            msg = f'{self.path / name} cannot be written ({error.strerror}).'
            raise BagError(msg) from error
        if self._metadata.custom:
            file.add_record(MANIFEST, self._metadata.custom)
        for topic in self._metadata.topics.values():
            file.add_channel(topic, schema_text=self._schema_texts[topic.name])
        self._metadata.files.append(file.record)
        return file

    def _split(self) -> McapFile:
        try:
            self._finish_file(self._open_file())
        except OSError as error:
            raise self._failed(error) from error
        self._file = self._next_file()
        return self._file

    def _finish_file(self, file: McapFile) -> None:
        file.add_record('rosbag2', {'serialized_metadata': to_yaml(self._metadata.as_dict())})
        self._finished_bytes += file.close()

    def _failed(self, error: OSError) -> BagError:
        """Give the bag up at its last flush and return the sentence that says so."""
        file, self._file = self._file, None
        if file is not None:
            file.abandon()
        return BagError(
            f'{self.path} could not be written any further ({error.strerror or error}). What was '
            f'flushed before is readable; "roof_detector bag recover {self.path}" completes it.'
        )
