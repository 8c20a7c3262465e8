# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A writer of MCAP bags that survives crashes, power cuts and full disks."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.bags.disk import DiskFloor, new_folder, sync_folder
from roof_detector.bags.disk_sync import DiskSync
from roof_detector.bags.errors import BagError, WriteFailed
from roof_detector.bags.file_series import FileSeries
from roof_detector.bags.folder_lock import FolderLock
from roof_detector.bags.latched_messages import LatchedMessages
from roof_detector.bags.mcap_file import Entry, McapFile, check_compression
from roof_detector.bags.metadata import (
    BagFileRecord,
    BagMetadata,
    TopicRecord,
    to_yaml,
    write_metadata,
)
from roof_detector.bags.records import MANIFEST
from roof_detector.bags.retention_policy import keep
from roof_detector.bags.schemas import MessageSchema, message_schema
from roof_detector.bags.timed_message import TimedMessage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Future

    from roof_detector.bags.bag_format import Compression
    from roof_detector.bags.qos import OfferedQos
    from roof_detector.bags.retention_policy import RetentionPolicy

# A flush is due a little before its period ends, so that its own duration is part of it.
_DUE_AFTER = 0.75
# A file continues until the next one is on the disk, but grows by no more than this meanwhile:
# half of its size, within these limits. The largest stays 4.2 GB below FAT32's limit.
_LEAST_OVER_BYTES, _MOST_OVER_BYTES = 16 << 20, 64 << 20


@dataclass(frozen=True)
class WrittenSoFar:
    """What a bag holds: messages, and bytes without the chunk in progress."""

    message_count: int = 0
    size_bytes: int = 0


class BagWriter:
    """A writer of an MCAP rosbag2: a folder of one or more files and metadata.yaml.

    Serialised messages (CDR) are written in order of arrival. At most every `flush_period_s` they
    are synced to the disk, metadata.yaml last, so a crash or a power cut costs no more than that
    period; call `flush_if_due` while no message arrives. The next file begins when a file has
    reached `max_file_bytes` or `max_file_s` (0: never), and starts with the latched messages of
    those before it.

    Writing stops with DiskFull before less than `min_free_bytes` are left, once `retention_policy`
    (None: nothing is deleted) and this bag's own finished files can free no more space, and with
    WriteFailed when the disk fails. The message at hand is not accepted then; all before it are in
    the bag, or wait in memory for `resume`, which continues in a new file.

    With `sync_behind` no message waits for the disk: the next file is made while the present one
    is written, and a power cut costs the time of a sync more. One thread at a time may use a
    writer; any may read `written`.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        compression: Compression = 'lz4',
        flush_period_s: float = 1.0,
        max_file_bytes: int = 0,
        max_file_s: float = 0.0,
        min_free_bytes: int = 0,
        manifest: Mapping[str, str] | None = None,
        retention_policy: RetentionPolicy | None = None,
        sync_behind: bool = False,
    ) -> None:
        check_compression(compression)
        self.path = Path(path).expanduser().absolute()
        self.written = WrittenSoFar()
        self._flush_period_s = flush_period_s * _DUE_AFTER
        self._max_file_bytes = max_file_bytes
        self._max_file_ns = round(max_file_s * 1e9)
        self._retention_policy = retention_policy
        self._metadata = BagMetadata(custom=dict(manifest or {}))
        self._standing = LatchedMessages()
        self._floor = DiskFloor(
            self.path.parent, min_free_bytes=min_free_bytes, make_room=self._make_room
        )
        self._coming: Future[McapFile] | None = None
        self._unwritten: list[Entry] = []
        self._lost: Counter[str] = Counter()
        self._count = self._finished_bytes = self._last_time_ns = 0
        self._late_error: BagError | None = None
        self._keep_reason = ''
        self._keeping: Future[None] | None = None
        self._closed = False
        self._file: McapFile | None = None
        self._has_records = False
        self._repeated: list[TimedMessage] = []  # messages repeated from the files before it
        self._dirty = False
        self._flushed_at_s = time.monotonic()
        self._files = FileSeries(self.path, self._metadata, compression=compression)
        self._sync = DiskSync(behind=sync_behind)
        self._floor.check()
        new_folder(self.path)
        self._lock = FolderLock(self.path)
        try:
            self._begin(self._files.next().make())
        except OSError as error:
            self._lock.release()
            with suppress(OSError):  # a folder without a bag would block the next try
                self.path.rmdir()
            msg = f'{self.path} cannot be written ({error.strerror or error}).'
            raise BagError(msg) from error

    def add_topic(
        self,
        name: str,
        type_name: str,
        *,
        offered_qos: Sequence[OfferedQos] = (),
        schema: MessageSchema | None = None,
    ) -> None:
        """Add a topic before its first message; raise BagError for an unknown type.

        Give the `schema` of a type that is known only from the bag that the messages come from.
        """
        if name in self._metadata.topics:
            msg = f'{name} is in {self.path} already; a topic is added once.'
            raise BagError(msg)
        schema = schema or message_schema(type_name)
        topic = TopicRecord(
            name=name,
            type_name=type_name,
            type_hash=schema.type_hash,
            offered_qos=[profile.as_dict() for profile in offered_qos],
        )
        try:
            self._open_file().add_channel(topic, schema_text=schema.text)
        except OSError as error:
            raise self._failed(error) from error
        self._files.add_topic(topic, schema_text=schema.text)
        self._standing.add_topic(name, type_name, offered_qos=offered_qos)
        self._dirty = True

    def write(
        self, topic: str, data: bytes, *, log_time_ns: int, publish_time_ns: int | None = None
    ) -> None:
        """Append one serialised message of a topic that was added before."""
        if publish_time_ns is None:
            publish_time_ns = log_time_ns
        self.write_message(
            TimedMessage(
                topic=topic, data=data, log_time_ns=log_time_ns, publish_time_ns=publish_time_ns
            )
        )

    def write_message(self, message: TimedMessage) -> None:
        """Append one serialised message of a topic that was added before."""
        topic, log_time_ns = message.topic, message.log_time_ns
        file = self._open_file()
        if topic not in self._metadata.topics:
            msg = f'{topic} was not added to {self.path}; call add_topic first.'
            raise BagError(msg)
        self._floor.spend(len(message.data))
        if self._coming or file.is_full(
            log_time_ns, max_bytes=self._max_file_bytes, max_ns=self._max_file_ns
        ):
            file = self._split_when_ready(file, log_time_ns)
        self._put(file, message)
        self._standing.note(message)
        try:
            self.flush_if_due()
        except BagError as error:
            self._late_error = error  # the message is accepted: the next call raises it

    def add_record(self, name: str, values: Mapping[str, str]) -> None:
        """Append an MCAP metadata record, which describes the bag."""
        try:
            self._open_file().add_record(name, values)
        except OSError as error:
            raise self._failed(error) from error
        self._dirty = self._has_records = True

    def update_manifest(self, values: Mapping[str, str]) -> None:
        """Add to the manifest or change it; the last one counts."""
        self._metadata.custom.update(values)
        self.add_record(MANIFEST, self._metadata.custom)

    def keep(self, *, reason: str) -> None:
        """Protect the bag from deletion, on the disk as soon as possible."""
        self._keep_reason = self._keep_reason or reason or 'asked for'
        self._note_keep()

    def flush_if_due(self) -> None:
        """Flush if the period has passed, in the background with `sync_behind`."""
        self._raise_late_error()
        if time.monotonic() - self._flushed_at_s >= self._flush_period_s:
            self._flush(wait=False)

    @property
    def due_in_s(self) -> float:
        """Return the time until the next flush is due."""
        return max(0.0, self._flushed_at_s + self._flush_period_s - time.monotonic())

    def flush(self) -> None:
        """Sync all messages to the disk, then metadata.yaml; check the free space."""
        self._flush(wait=True)

    @property
    def message_count(self) -> int:
        """Return how many messages were written."""
        return self.written.message_count

    @property
    def size_bytes(self) -> int:
        """Return the size of the bag's files without the chunk in progress."""
        return self.written.size_bytes

    def close(self) -> None:
        """Finish the bag. A second call does nothing."""
        if self._closed:
            return
        late, self._late_error = self._late_error, None
        try:
            if self._file is not None:
                self.pause()
                sync_folder(self.path)
            elif late is not None:
                raise late
        except OSError as error:
            raise self._failed(error) from error
        finally:
            self._closed = True
            self._note_keep()
            self._sync.close()
            self._lock.release()

    def pause(self) -> None:
        """Finish the file in progress, as for a full disk; `resume` begins another."""
        self._late_error = None
        file = self._open_file()
        try:
            self._drop_coming()
            self._sync.wait()
            self._finish_file(file)
            file.close()
            self._file = None
            self._note_written()
            self._metadata.write(self.path)
        except OSError as error:
            raise self._failed(error) from error

    def resume(self, *, room_bytes: int = 0) -> None:
        """Continue in a new file after DiskFull or WriteFailed; raise BagError while that fails.

        It begins with what had not reached the disk, and `room_bytes` more must be free. A folder
        that was deleted is created again.
        """
        if self._file is not None:
            return
        if self._closed:
            self._open_file()
        self._late_error = None
        self._floor.check_for_more(room_bytes)
        if not self.path.is_dir():
            new_folder(self.path)
            self._lock.release()
            self._lock = FolderLock(self.path)
        self._forget_missing()
        try:
            file = self._files.next().make()
        except OSError as error:
            msg = f'{self.path} cannot be written ({error.strerror or error}).'
            raise WriteFailed(msg) from error
        unwritten, self._unwritten = self._unwritten, []
        self._begin(file)
        messages = [entry for entry in unwritten if isinstance(entry, TimedMessage)]
        begin_ns = messages[0].log_time_ns if messages else self._last_time_ns
        self._repeat_latched(file, log_time_ns=begin_ns, without=messages)
        for number, entry in enumerate(unwritten):
            try:
                self._write_again(file, entry)
            except WriteFailed:
                self._unwritten += unwritten[number:]
                raise
        self.flush()

    def take_losses(self) -> Counter[str]:
        """Return how many messages of each topic were lost since the last call.

        They were accepted, and are in no file: somebody deleted it, or the bag ended before
        `resume`.
        """
        lost, self._lost = self._lost, Counter()
        if self._closed:
            given_up, self._unwritten = self._unwritten, []
            lost.update(e.topic for e in given_up if isinstance(e, TimedMessage))
        return lost

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _raise_late_error(self) -> None:
        error, self._late_error = self._late_error, None
        if error is not None:
            raise error

    def _open_file(self) -> McapFile:
        self._raise_late_error()
        if self._file is None:
            msg = f'{self.path} is closed; nothing more can be written to it.'
            raise BagError(msg)
        return self._file

    def _begin(self, file: McapFile) -> None:
        """Continue in a file that is on the disk and in metadata.yaml."""
        self._file = file
        self._has_records = False
        self._repeated = []
        self._metadata.files.append(file.record)
        self._files.announce(file)
        self._note_written()

    def _put(self, file: McapFile, message: TimedMessage) -> None:
        try:
            file.write(message)
        except OSError as error:
            raise self._failed(error) from error
        self._metadata.topics[message.topic].message_count += 1
        self._count += 1
        self._last_time_ns = message.log_time_ns
        self._dirty = True
        self._note_written()

    def _write_again(self, file: McapFile, entry: Entry) -> None:
        """Write messages that were accepted before into another file."""
        if isinstance(entry, TimedMessage):
            self._put(file, entry)
        else:
            self.add_record(*entry)

    def _flush(self, *, wait: bool) -> None:
        file = self._open_file()
        self._flushed_at_s = time.monotonic()
        self._note_keep()
        if not self._dirty:
            return
        try:
            file.flush()
            if wait and self._coming is not None:
                self._coming.exception()
            if self._coming is None or self._coming.done():  # it brings its own metadata.yaml
                sync = partial(_sync, file, self._metadata_text(), self.path)
                self._dirty = not self._sync.run(sync, wait=wait)
        except OSError as error:
            raise self._failed(error) from error
        self._note_written()
        self._floor.check()

    def _metadata_text(self) -> str:
        """Return the text of metadata.yaml, with the next file if it exists already."""
        if self._coming is None or self._coming.exception() is not None:
            return self._metadata.text()
        return self._metadata.text(coming=self._coming.result().record)

    def _split_when_ready(self, file: McapFile, log_time_ns: int) -> McapFile:
        """Continue in the next file once it exists; the present one must not grow much further."""
        if self._coming is None:
            self._coming = self._sync.submit(self._files.next().make)
        over_bytes = min(max(self._max_file_bytes // 2, _LEAST_OVER_BYTES), _MOST_OVER_BYTES)
        too_big = 0 < self._max_file_bytes <= file.size_bytes - over_bytes
        if not (self._coming.done() or too_big):
            return file
        return self._split(file, log_time_ns)

    def _split(self, file: McapFile, log_time_ns: int) -> McapFile:
        assert self._coming is not None
        try:
            following = self._coming.result()
            self._finish_file(file)
            self._sync.submit_deferred(file.close)
        except OSError as error:
            raise self._failed(error) from error
        self._coming = None
        self._begin(following)
        self._repeat_latched(following, log_time_ns=log_time_ns)
        return following

    def _repeat_latched(
        self, file: McapFile, *, log_time_ns: int, without: Sequence[TimedMessage] = ()
    ) -> None:
        """Repeat the latched messages, except those that are still to be written."""
        coming = {id(message.data) for message in without}
        for message in self._standing:
            if id(message.data) not in coming:
                # It is valid from here on, so this is its log time; its publish time stays.
                repeated = replace(message, log_time_ns=log_time_ns)
                self._repeated.append(repeated)
                self._put(file, repeated)

    def _finish_file(self, file: McapFile) -> None:
        file.flush()
        file.add_record(*self._description())
        file.finish()
        self._finished_bytes += file.size_bytes

    def _description(self) -> tuple[str, dict[str, str]]:
        """Return the record with which rosbag2 ends a file."""
        return 'rosbag2', {'serialized_metadata': to_yaml(self._metadata.as_dict())}

    def _note_written(self) -> None:
        present = self._file.size_bytes if self._file is not None else 0
        self.written = WrittenSoFar(self._count, self._finished_bytes + present)

    def _make_room(self) -> bool:
        """Delete an earlier recording, else this bag's oldest file; return whether it did."""
        retention_policy = self._retention_policy
        if retention_policy is None:
            return False
        with suppress(OSError):  # the next flush reports it again
            self._sync.wait()  # it writes a metadata.yaml from before the deletion
        if retention_policy.delete_recording():
            return True
        if self._keep_reason:
            return False
        if self._coming is not None and self._coming.exception() is None:
            self._metadata.coming = self._coming.result().record
        try:
            return retention_policy.delete_oldest_file(self.path, self._metadata)
        finally:
            self._metadata.coming = None

    def _note_keep(self) -> None:
        """Write the protection of the bag to its folder, if it is protected."""
        done = self._keeping is not None and self._keeping.done()
        if self._keep_reason and (not self._keeping or (done and self._keeping.exception())):
            self._keeping = self._sync.submit(partial(keep, self.path, reason=self._keep_reason))

    def _drop_coming(self) -> None:
        """Discard the file that was prepared as the next one."""
        coming, self._coming = self._coming, None
        if coming is not None and coming.exception() is None:
            with suppress(OSError):
                self._metadata.write(self.path)
                coming.result().discard()

    def _failed(self, error: OSError) -> WriteFailed:
        """End the file with its complete data and return the sentence that says why.

        The rest waits for `resume`.
        """
        file, self._file = self._file, None
        with suppress(OSError):
            self._sync.wait()
        if file is not None:
            self._end_cut_off(file)
        self._drop_coming()
        with suppress(OSError):
            self._metadata.write(self.path)
        self._note_written()
        return WriteFailed(
            f'{self.path} could not be written any further ({error.strerror or error}). What was '
            f'flushed before is readable; "roof_detector bag recover {self.path}" completes it.'
        )

    def _end_cut_off(self, file: McapFile) -> None:
        lost = file.give_up()
        for entry in lost:
            if isinstance(entry, TimedMessage):
                self._metadata.topics[entry.topic].message_count -= 1
                self._count -= 1
        repeated = set(map(id, self._repeated))
        self._unwritten += [entry for entry in lost if id(entry) not in repeated]
        holds_news = self._has_records or file.record.message_count > len(repeated)
        if not file.is_there:
            self._forget(file.record)
        elif holds_news or len(self._metadata.files) < 2:
            self._finished_bytes += file.size_bytes
        else:
            self._metadata.drop_file(file.record)
            self._count -= file.record.message_count
            file.discard()

    def _forget_missing(self) -> None:
        """Forget files that somebody deleted."""
        for record in list(self._metadata.files):
            if not (self.path / record.name).exists():
                self._forget(record)

    def _forget(self, record: BagFileRecord) -> None:
        self._metadata.drop_file(record)
        self._count -= record.message_count
        self._lost.update(record.topic_counts)


def _sync(file: McapFile, metadata: str, folder: Path) -> None:
    file.sync()
    write_metadata(folder, metadata)
