# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The files of a bag that is being written: the present one, the next one, and what failed."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError, WriteFailed
from roof_detector.bags.file_series import FileSeries
from roof_detector.bags.latched_messages import LatchedMessages
from roof_detector.bags.metadata import BagFileRecord, BagMetadata, TopicRecord, to_yaml
from roof_detector.bags.timed_message import TimedMessage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from roof_detector.bags.bag_format import Compression
    from roof_detector.bags.disk_sync import DiskSync
    from roof_detector.bags.mcap_file import Entry, McapFile
    from roof_detector.bags.qos import OfferedQos

# A file continues until the next one is on the disk, but grows by no more than this meanwhile:
# half of its size, within these limits. The largest stays 4.2 GB below FAT32's limit.
_LEAST_OVER_BYTES, _MOST_OVER_BYTES = 16 << 20, 64 << 20


@dataclass(frozen=True)
class WrittenSoFar:
    """What a bag holds: messages, and bytes without the chunk in progress."""

    message_count: int = 0
    size_bytes: int = 0


class FileChain:
    """The files of a bag, written one after the other, each complete without those before it.

    The next file is made by `sync`, beside the writing where that is asked for, once the present
    one has reached `max_bytes` or `max_ns` (0: never); it starts with the latched messages of
    those before it. A write that fails ends the present file with what is complete and raises
    WriteFailed; what the disk did not take waits in memory for `resume`. `written` is replaced as
    a whole, so any thread may read it. `is_dirty` while something is not flushed.
    """

    def __init__(
        self,
        path: Path,
        metadata: BagMetadata,
        *,
        compression: Compression,
        sync: DiskSync,
        max_bytes: int,
        max_ns: int,
    ) -> None:
        self.written = WrittenSoFar()
        self.is_dirty = False
        self.coming: Future[McapFile] | None = None  # the next file
        self._path = path
        self._metadata = metadata
        self._sync = sync
        self._max_bytes = max_bytes
        self._max_ns = max_ns
        self._series = FileSeries(path, metadata, compression=compression)
        self._latched = LatchedMessages()
        self._file: McapFile | None = None
        self._has_records = False
        self._repeated: list[TimedMessage] = []  # messages repeated from the files before it
        self._unwritten: list[Entry] = []
        self._lost: Counter[str] = Counter()
        self._count = self._finished_bytes = self._last_time_ns = 0

    @property
    def is_open(self) -> bool:
        """Return whether there is a file to write to: not before `begin`, nor after a failure."""
        return self._file is not None

    @property
    def present(self) -> McapFile:
        """Return the file in progress; raise BagError if there is none."""
        if self._file is None:
            msg = f'{self._path} is closed; nothing more can be written to it.'
            raise BagError(msg)
        return self._file

    def begin(self) -> None:
        """Make the first file; raise OSError."""
        self._continue_in(self._series.next().make())

    def add_topic(
        self, topic: TopicRecord, *, schema_text: str, offered_qos: Sequence[OfferedQos]
    ) -> None:
        """Add a topic to the present file and to those that follow."""
        try:
            self.present.add_channel(topic, schema_text=schema_text)
        except OSError as error:
            raise self.failed(error) from error
        self._series.add_topic(topic, schema_text=schema_text)
        self._latched.add_topic(topic.name, topic.type_name, offered_qos=offered_qos)
        self.is_dirty = True

    def add_record(self, name: str, values: Mapping[str, str]) -> None:
        """Append a metadata record."""
        try:
            self.present.add_record(name, values)
        except OSError as error:
            raise self.failed(error) from error
        self.is_dirty = self._has_records = True

    def write(self, message: TimedMessage) -> None:
        """Append a message, to the next file if the present one is full."""
        file = self.present
        if self.coming or file.is_full(
            message.log_time_ns, max_bytes=self._max_bytes, max_ns=self._max_ns
        ):
            file = self._split_when_ready(file, message.log_time_ns)
        self._put(file, message)
        self._latched.note(message)

    def metadata_text(self) -> str:
        """Return the text of metadata.yaml, with the next file if it exists already."""
        if self.coming is None or self.coming.exception() is not None:
            return self._metadata.text()
        return self._metadata.text(coming=self.coming.result().record)

    def end(self) -> None:
        """Finish and close the present file, and describe the bag; `resume` begins another."""
        file = self.present
        try:
            self._drop_coming()
            self._sync.wait()
            self._finish(file)
            file.close()
            self._file = None
            self.note_written()
            self._metadata.write(self._path)
        except OSError as error:
            raise self.failed(error) from error

    def resume(self) -> None:
        """Continue in a new file, which begins with what the disk had not taken."""
        for record in list(self._metadata.files):
            if not (self._path / record.name).exists():
                self._forget(record)
        try:
            file = self._series.next().make()
        except OSError as error:
            msg = f'{self._path} cannot be written ({error.strerror or error}).'
            raise WriteFailed(msg) from error
        unwritten, self._unwritten = self._unwritten, []
        self._continue_in(file)
        messages = [entry for entry in unwritten if isinstance(entry, TimedMessage)]
        begin_ns = messages[0].log_time_ns if messages else self._last_time_ns
        self._repeat_latched(file, log_time_ns=begin_ns, without=messages)
        for number, entry in enumerate(unwritten):
            try:
                if isinstance(entry, TimedMessage):
                    self._put(file, entry)
                else:
                    self.add_record(*entry)
            except WriteFailed:
                self._unwritten += unwritten[number:]
                raise

    def take_losses(self, *, is_closed: bool) -> Counter[str]:
        """Return how many messages of each topic were lost since the last call."""
        lost, self._lost = self._lost, Counter()
        if is_closed:
            given_up, self._unwritten = self._unwritten, []
            lost.update(e.topic for e in given_up if isinstance(e, TimedMessage))
        return lost

    def failed(self, error: OSError) -> WriteFailed:
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
            self._metadata.write(self._path)
        self.note_written()
        return WriteFailed(
            f'{self._path} could not be written any further ({error.strerror or error}). What was '
            f'flushed before is readable; "roof_detector bag recover {self._path}" completes it.'
        )

    def note_written(self) -> None:
        """Bring `written` up to date."""
        present = self._file.size_bytes if self._file is not None else 0
        self.written = WrittenSoFar(self._count, self._finished_bytes + present)

    def _continue_in(self, file: McapFile) -> None:
        """Continue in a file that is on the disk and in metadata.yaml."""
        self._file = file
        self._has_records = False
        self._repeated = []
        self._metadata.files.append(file.record)
        self._series.announce(file)
        self.note_written()

    def _put(self, file: McapFile, message: TimedMessage) -> None:
        try:
            file.write(message)
        except OSError as error:
            raise self.failed(error) from error
        self._metadata.topics[message.topic].message_count += 1
        self._count += 1
        self._last_time_ns = message.log_time_ns
        self.is_dirty = True
        self.note_written()

    def _split_when_ready(self, file: McapFile, log_time_ns: int) -> McapFile:
        """Continue in the next file once it exists; the present one must not grow much further."""
        if self.coming is None:
            self.coming = self._sync.submit(self._series.next().make)
        over_bytes = min(max(self._max_bytes // 2, _LEAST_OVER_BYTES), _MOST_OVER_BYTES)
        too_big = 0 < self._max_bytes <= file.size_bytes - over_bytes
        if not (self.coming.done() or too_big):
            return file
        try:
            following = self.coming.result()
            self._finish(file)
            self._sync.submit_deferred(file.close)
        except OSError as error:
            raise self.failed(error) from error
        self.coming = None
        self._continue_in(following)
        self._repeat_latched(following, log_time_ns=log_time_ns)
        return following

    def _repeat_latched(
        self, file: McapFile, *, log_time_ns: int, without: Sequence[TimedMessage] = ()
    ) -> None:
        """Repeat the latched messages, except those that are still to be written."""
        coming = {id(message.data) for message in without}
        for message in self._latched:
            if id(message.data) not in coming:
                # It is valid from here on, so this is its log time; its publish time stays.
                repeated = replace(message, log_time_ns=log_time_ns)
                self._repeated.append(repeated)
                self._put(file, repeated)

    def _finish(self, file: McapFile) -> None:
        """Write the rest of a file, the record with which rosbag2 ends one, and the summary."""
        file.flush()
        file.add_record('rosbag2', {'serialized_metadata': to_yaml(self._metadata.as_dict())})
        file.finish()
        self._finished_bytes += file.size_bytes

    def _drop_coming(self) -> None:
        """Discard the file that was prepared as the next one."""
        coming, self.coming = self.coming, None
        if coming is not None and coming.exception() is None:
            with suppress(OSError):
                self._metadata.write(self._path)
                coming.result().discard()

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

    def _forget(self, record: BagFileRecord) -> None:
        """Forget a file that somebody deleted, and count what it held."""
        self._metadata.drop_file(record)
        self._count -= record.message_count
        self._lost.update(record.topic_counts)
