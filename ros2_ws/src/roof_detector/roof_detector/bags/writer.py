# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A writer of MCAP bags that survives crashes, power cuts and full disks."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.bags.disk import DiskFloor, new_folder, sync_folder
from roof_detector.bags.disk_sync import DiskSync
from roof_detector.bags.errors import BagError
from roof_detector.bags.file_chain import FileChain, WrittenSoFar
from roof_detector.bags.folder_lock import FolderLock
from roof_detector.bags.mcap_file import McapFile, check_compression
from roof_detector.bags.metadata import BagMetadata, TopicRecord, write_metadata
from roof_detector.bags.records import MANIFEST
from roof_detector.bags.retention_policy import keep
from roof_detector.bags.schemas import MessageSchema, message_schema
from roof_detector.bags.timed_message import TimedMessage

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Future

    from roof_detector.bags.bag_format import Compression
    from roof_detector.bags.qos import OfferedQos
    from roof_detector.bags.retention_policy import RetentionPolicy

# A flush is due a little before its period ends, so that its own duration is part of it.
_DUE_AFTER = 0.75


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
        self._flush_period_s = flush_period_s * _DUE_AFTER
        self._retention_policy = retention_policy
        self._metadata = BagMetadata(custom=dict(manifest or {}))
        self._floor = DiskFloor(
            self.path.parent, min_free_bytes=min_free_bytes, make_room=self._make_room
        )
        self._late_error: BagError | None = None
        self._keep_reason = ''
        self._keeping: Future[None] | None = None
        self._closed = False
        self._flushed_at_s = time.monotonic()
        self._sync = DiskSync(behind=sync_behind)
        self._chain = FileChain(
            self.path,
            self._metadata,
            compression=compression,
            sync=self._sync,
            max_bytes=max_file_bytes,
            max_ns=round(max_file_s * 1e9),
        )
        self._floor.check()
        new_folder(self.path)
        self._lock = FolderLock(self.path)
        try:
            self._chain.begin()
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
        self._raise_late_error()
        self._chain.add_topic(topic, schema_text=schema.text, offered_qos=offered_qos)

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
        self._open_file()
        if message.topic not in self._metadata.topics:
            msg = f'{message.topic} was not added to {self.path}; call add_topic first.'
            raise BagError(msg)
        self._floor.spend(len(message.data))
        self._chain.write(message)
        try:
            self.flush_if_due()
        except BagError as error:
            self._late_error = error  # the message is accepted: the next call raises it

    def add_record(self, name: str, values: Mapping[str, str]) -> None:
        """Append an MCAP metadata record, which describes the bag."""
        self._raise_late_error()
        self._chain.add_record(name, values)

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
    def written(self) -> WrittenSoFar:
        """Return what the bag holds; any thread may ask."""
        return self._chain.written

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
            if self._chain.is_open:
                self.pause()
                sync_folder(self.path)
            elif late is not None:
                raise late
        except OSError as error:
            raise self._chain.failed(error) from error
        finally:
            self._closed = True
            self._note_keep()
            self._sync.close()
            self._lock.release()

    def pause(self) -> None:
        """Finish the file in progress, as for a full disk; `resume` begins another."""
        self._late_error = None
        self._chain.end()

    def resume(self, *, room_bytes: int = 0) -> None:
        """Continue in a new file after DiskFull or WriteFailed; raise BagError while that fails.

        It begins with what had not reached the disk, and `room_bytes` more must be free. A folder
        that was deleted is created again.
        """
        if self._chain.is_open:
            return
        if self._closed:
            self._open_file()
        self._late_error = None
        self._floor.check_for_more(room_bytes)
        if not self.path.is_dir():
            new_folder(self.path)
            self._lock.release()
            self._lock = FolderLock(self.path)
        self._chain.resume()
        self.flush()

    def take_losses(self) -> Counter[str]:
        """Return how many messages of each topic were lost since the last call.

        They were accepted, and are in no file: somebody deleted it, or the bag ended before
        `resume`.
        """
        return self._chain.take_losses(is_closed=self._closed)

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
        return self._chain.present

    def _flush(self, *, wait: bool) -> None:
        file, chain = self._open_file(), self._chain
        self._flushed_at_s = time.monotonic()
        self._note_keep()
        if not chain.is_dirty:
            return
        try:
            file.flush()
            if wait and chain.coming is not None:
                chain.coming.exception()
            if chain.coming is None or chain.coming.done():  # it brings its own metadata.yaml
                sync = partial(_sync, file, chain.metadata_text(), self.path)
                chain.is_dirty = not self._sync.run(sync, wait=wait)
        except OSError as error:
            raise chain.failed(error) from error
        chain.note_written()
        self._floor.check()

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
        coming = self._chain.coming
        if coming is not None and coming.exception() is None:
            self._metadata.coming = coming.result().record
        try:
            return retention_policy.delete_oldest_file(self.path, self._metadata)
        finally:
            self._metadata.coming = None

    def _note_keep(self) -> None:
        """Write the protection of the bag to its folder, if it is protected."""
        done = self._keeping is not None and self._keeping.done()
        if self._keep_reason and (not self._keeping or (done and self._keeping.exception())):
            self._keeping = self._sync.submit(partial(keep, self.path, reason=self._keep_reason))


def _sync(file: McapFile, metadata: str, folder: Path) -> None:
    file.sync()
    write_metadata(folder, metadata)
