# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.bags.disk import DiskFloor, new_folder, sync_folder
from roof_detector.bags.disk_sync import DiskSync
from roof_detector.bags.errors import BagError
from roof_detector.bags.file_series import FileSeries
from roof_detector.bags.folder_lock import FolderLock
from roof_detector.bags.mcap_file import McapFile, check_compression
from roof_detector.bags.metadata import BagMetadata, TopicRecord, to_yaml, write_metadata
from roof_detector.bags.records import MANIFEST
from roof_detector.bags.schemas import MessageSchema, message_schema
from roof_detector.bags.standing import StandingMessages
from roof_detector.bags.timed_message import TimedMessage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from roof_detector.bags.oldest_first import OldestFirst
    from roof_detector.bags.qos import OfferedQos


class BagWriter:
    """Write an MCAP rosbag2: a folder of one or more files and metadata.yaml.

    Serialised messages (CDR) are written as they come. At most every `flush_period_s` all of it is
    brought onto the disk, metadata.yaml last, so a crash or a power cut costs no more than
    that period; call `flush_if_due` while no message comes. A file is followed by the next when
    it has reached `max_file_bytes` or `max_file_s` (0: never), and begins with the latched
    messages of those before it. Writing stops with DiskFull before less than `min_free_bytes`
    are left, once `oldest_first` (None: nothing is deleted) and this bag's own finished files
    could make no more room. With `sync_behind` a disk that is slow to sync delays no message, and
    a power cut costs the time of a sync more. One thread at a time may use a writer.
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
        oldest_first: OldestFirst | None = None,
        sync_behind: bool = False,
    ) -> None:
        check_compression(compression)
        self.path = Path(path).expanduser().absolute()
        self._flush_period_s = flush_period_s
        self._max_file_bytes = max_file_bytes
        self._max_file_ns = round(max_file_s * 1e9)
        self._oldest_first = oldest_first
        self._sync = DiskSync(behind=sync_behind)
        self._metadata = BagMetadata(custom=dict(manifest or {}))
        self._standing = StandingMessages()
        self._floor = DiskFloor(
            self.path.parent, min_free_bytes=min_free_bytes, make_room=self._make_room
        )
        self._floor.check()
        self._written = 0
        self._finished_bytes = 0
        self._dirty = True
        self._files = FileSeries(self.path, self._metadata, compression=compression)
        self._flushed_at_s = time.monotonic()
        new_folder(self.path)
        self._lock = FolderLock(self.path)
        self._file: McapFile | None = self._files.begin_next()
        self.flush()
        sync_folder(self.path)

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
        self._files.add_topic(topic, schema_text=schema.text)
        self._standing.add_topic(name, type_name, offered_qos=offered_qos)
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
        if file.is_full(log_time_ns, max_bytes=self._max_file_bytes, max_ns=self._max_file_ns):
            file = self._split(log_time_ns)
        publish_time_ns = log_time_ns if publish_time_ns is None else publish_time_ns
        message = TimedMessage(topic, data, log_time_ns, publish_time_ns)
        self._put(file, message)
        self._standing.note(message)
        self.flush_if_due()

    def add_record(self, name: str, values: Mapping[str, str]) -> None:
        """Append an MCAP metadata record: something to know about the bag, not a message."""
        try:
            self._open_file().add_record(name, values)
        except OSError as error:
            raise self._failed(error) from error
        self._dirty = True

    def update_manifest(self, values: Mapping[str, str]) -> None:
        """Add to the manifest or change it; the whole of it is written anew, the last counts."""
        self._metadata.custom.update(values)
        self.add_record(MANIFEST, self._metadata.custom)

    def flush_if_due(self) -> None:
        """Flush when the period has passed since the last time, behind if that was asked for."""
        if time.monotonic() - self._flushed_at_s >= self._flush_period_s:
            self._flush(wait=False)

    def flush(self) -> None:
        """Bring all messages onto the disk, then metadata.yaml; check the free space."""
        self._flush(wait=True)

    def _flush(self, *, wait: bool) -> None:
        file = self._open_file()
        self._flushed_at_s = time.monotonic()
        if not self._dirty:
            return
        try:
            file.hand_out()
            sync = partial(_sync, file, self._metadata.text(), self.path)
            self._dirty = not self._sync.run(sync, wait=wait)
        except OSError as error:
            raise self._failed(error) from error
        self._floor.check()

    @property
    def message_count(self) -> int:
        """Return how many messages were written."""
        return self._written

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
        finally:
            self._sync.close()
            self._lock.release()

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

    def _put(self, file: McapFile, message: TimedMessage) -> None:
        try:
            file.write(message)
        except OSError as error:
            raise self._failed(error) from error
        self._metadata.topics[message.topic].message_count += 1
        self._written += 1
        self._dirty = True

    def _split(self, log_time_ns: int) -> McapFile:
        try:
            self._finish_file(self._open_file())
        except OSError as error:
            raise self._failed(error) from error
        self._file = self._files.begin_next()
        self._dirty = True
        # They are true from here on, so this is their time; when they were published stays.
        for message in self._standing:
            self._put(self._file, replace(message, log_time_ns=log_time_ns))
        self.flush()  # so that metadata.yaml names the file before it holds anything new
        return self._file

    def _finish_file(self, file: McapFile) -> None:
        self._sync.wait()
        file.add_record('rosbag2', {'serialized_metadata': to_yaml(self._metadata.as_dict())})
        self._finished_bytes += file.close()

    def _make_room(self) -> bool:
        """Delete an earlier recording, else this bag's oldest file; tell whether that was done."""
        oldest_first = self._oldest_first
        with suppress(OSError):  # the next flush meets it again
            self._sync.wait()  # it writes a metadata.yaml of before the deletion
        return oldest_first is not None and (
            oldest_first.delete_recording()
            or oldest_first.delete_oldest_file(self.path, self._metadata)
        )

    def _failed(self, error: OSError) -> BagError:
        """Give the bag up at its last flush and return the sentence that says so."""
        file, self._file = self._file, None
        self._sync.close()
        if file is not None:
            file.abandon()
        self._lock.release()
        return BagError(
            f'{self.path} could not be written any further ({error.strerror or error}). What was '
            f'flushed before is readable; "roof_detector bag recover {self.path}" completes it.'
        )


def _sync(file: McapFile, metadata: str, folder: Path) -> None:
    file.sync()
    write_metadata(folder, metadata)
