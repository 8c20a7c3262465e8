# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The repair of one file of a bag: find what is wrong with it, and write a sound file instead."""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mcap.reader import make_reader

from roof_detector.bags.bag_folder import PACKED_SUFFIX, BagFile, bag_file
from roof_detector.bags.bounds import unpack_file, zstd
from roof_detector.bags.errors import BagError
from roof_detector.bags.mcap_file_reader import McapFileReader, time_text
from roof_detector.bags.mcap_full_survey import full_survey
from roof_detector.bags.mcap_rebuild import rebuild
from roof_detector.bags.mcap_records import MAGIC, FileStore
from roof_detector.bags.mcap_survey import McapSurvey, Span, TopicFacts, unknown_topic
from roof_detector.bags.message_sum import MessageSum
from roof_detector.bags.qos import recorded_qos
from roof_detector.bags.records import MANIFEST, RECOVERY
from roof_detector.bags.sqlite_file import SqliteFile, is_packed, is_unbegun_sqlite
from roof_detector.bags.sqlite_rebuild import rebuild_sqlite, sqlite_sum

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_COPY_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class RepairLoss:
    """What of a file is lost or doubtful, as far as is known.

    `messages` are those that its indexes count and that were not found, `doubtful` those that were
    kept although a checksum shows that something near them changed.
    """

    lost_bytes: int = 0
    messages: int = 0
    doubtful: int = 0
    times: tuple[tuple[int, int], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.lost_bytes or self.messages or self.doubtful)

    def __str__(self) -> str:
        sentences = []
        if self.lost_bytes:
            sentences.append(f'{self.lost_bytes} bytes belong to no readable record')
        if self.messages:
            sentences.append(f'{self.messages} messages are lost')
        if self.times:
            times = ', '.join(f'{time_text(a)} to {time_text(b)}' for a, b in self.times[:5])
            sentences.append(f'messages may be missing from {times} UTC')
        if self.doubtful:
            sentences.append(
                f'{self.doubtful} messages were kept from parts whose checksum does not match: '
                'something in them may have changed'
            )
        return '; '.join(sentences)


@dataclass(kw_only=True)
class TopicFound:
    """What a file says about one topic."""

    name: str
    type_name: str
    definition: str = ''
    type_hash: str = ''
    serialization_format: str = 'cdr'
    offered_qos: tuple[Any, ...] = ()
    message_count: int = 0
    is_doubtful: bool = False


@dataclass(kw_only=True)
class FileState:
    """The content of a bag's file, and `fault`, what is wrong with it ('' for nothing)."""

    file: BagFile
    fault: str = ''
    loss: RepairLoss = field(default_factory=RepairLoss)
    topics: dict[str, TopicFound] = field(default_factory=dict)
    start_ns: int = 2**63 - 1
    end_ns: int = 0
    packed_messages: int = 0
    custom: dict[str, str] = field(default_factory=dict)
    embedded: str = ''  # what rosbag2 wrote into the file about the bag
    is_unbegun: bool = False  # cut off before anything that a bag's file begins with was in it

    @property
    def message_count(self) -> int:
        """Return how many messages were found."""
        return sum(topic.message_count for topic in self.topics.values())


def examine(file: BagFile) -> FileState:
    """Read a whole file and return what it holds; raise BagError for another kind of file."""
    with _unpacked(file) as (plain, problem):
        if problem and not plain.stat().st_size:
            msg = f'{file.path} gives nothing when it is decompressed ({problem}).'
            raise BagError(msg)
        if _is_unbegun(plain, file.storage):
            return FileState(file=file, is_unbegun=True)
        examined = _examine_mcap if file.storage == 'mcap' else _examine_sqlite
        state = examined(plain, file)
        if problem:
            state.fault = '; '.join(filter(None, (problem, state.fault)))
        return state


def repair(
    state: FileState,
    target: Path,
    *,
    topics: Mapping[str, TopicFacts],
    in_order: tuple[TopicFacts, ...],
) -> FileState:
    """Write a sound copy of a damaged file, read it again, and return what it holds.

    `topics` complete what the file lost, `in_order` in files of ours. Raises BagError if readers
    do not get the same messages from the new file.
    """
    packs = target.name.endswith(PACKED_SUFFIX)
    plain = target.with_name(target.name.removesuffix(PACKED_SUFFIX))
    with _unpacked(state.file) as (source, _):
        if state.file.storage == 'mcap':
            expected = _rebuild_mcap(source, plain, state, topics, in_order)
            found = _read_mcap(plain)
        else:
            with closing(SqliteFile(source, is_thorough=True)) as old:
                expected = rebuild_sqlite(old, plain)
            with closing(SqliteFile(plain, is_thorough=True)) as new:
                found = MessageSum() if new.content.problem else sqlite_sum(new)
    if found != expected:
        msg = (
            f'The repair of {state.file.path} gave {found.count} messages where {expected.count} '
            'were found; nothing was changed. Please report it with the file.'
        )
        raise BagError(msg)
    if packs:
        pack(plain, target)
        plain.unlink()
    new_file = bag_file(target)
    assert new_file is not None, target
    repaired = examine(new_file)
    if repaired.fault:
        msg = f'{state.file.path} cannot be repaired: {repaired.fault}. Nothing was changed.'
        raise BagError(msg)
    return replace(repaired, loss=state.loss)


def pack(plain: Path, target: Path) -> None:
    """Compress a file as a whole, as rosbag2 does."""
    with plain.open('rb') as source, zstd.open(target, 'xb') as sink:
        shutil.copyfileobj(source, sink, _COPY_BYTES)


def _examine_mcap(path: Path, file: BagFile) -> FileState:
    with path.open('rb') as stream:
        survey = full_survey(FileStore(stream))
    if not survey.has_magic and not survey.spans:
        msg = f'{path} does not begin like an MCAP file; it is another kind of file.'
        raise BagError(msg)
    state = FileState(file=file, fault=_mcap_fault(survey), loss=_mcap_loss(survey))
    state.start_ns, state.end_ns = survey.start_ns, survey.end_ns
    state.packed_messages = survey.packed_messages
    for _, record in survey.metadata:
        if record.name == MANIFEST:
            state.custom.update(record.metadata)
        elif record.name == 'rosbag2':
            state.embedded = record.metadata.get('serialized_metadata', '')
    counts: Counter[tuple[int, int]] = Counter()
    for span in survey.spans:
        counts.update(span.counts)
    for number, table in enumerate(survey.tables):
        for channel in table.channels.values():
            schema = table.schemas.get(channel.schema_id)
            topic = state.topics.setdefault(
                channel.topic,
                TopicFound(
                    name=channel.topic,
                    type_name=schema.name if schema else '',
                    definition=schema.data.decode(errors='replace') if schema else '',
                    type_hash=channel.metadata.get('topic_type_hash', ''),
                    serialization_format=channel.message_encoding,
                    offered_qos=recorded_qos(channel.metadata.get('offered_qos_profiles', '')),
                ),
            )
            topic.message_count += counts.pop((number, channel.id), 0)
            doubts = {('channel', channel.id), ('schema', channel.schema_id)} & table.doubtful
            topic.is_doubtful |= bool(doubts)
    for (_, channel_id), count in counts.items():
        name = unknown_topic(channel_id)
        topic = state.topics.setdefault(name, TopicFound(name=name, type_name=''))
        topic.message_count += count
    return state


def _mcap_fault(survey: McapSurvey) -> str:
    if survey.is_sound:
        return ''
    reasons = list(survey.problems)
    if not survey.is_finished:
        reasons.insert(0, 'it was cut off')
    if survey.gaps:
        reasons.append(f'{survey.lost_bytes} bytes are damaged')
    damaged = [span for span in survey.spans if span.problem]
    if damaged:
        chunks = sum(span.is_chunk for span in survey.spans)
        reasons.append(f'{len(damaged)} of {chunks} chunks are damaged ({damaged[0].problem})')
    elif survey.is_finished and not all(span.is_index_right for span in survey.spans):
        reasons.append('its indexes do not point to its messages')
    return '; '.join(reasons)


def _mcap_loss(survey: McapSurvey) -> RepairLoss:
    lost_bytes = survey.lost_bytes
    doubtful = messages = 0
    times = []
    spans: list[Span] = sorted(survey.spans, key=lambda span: span.offset)
    for number, span in enumerate(spans):
        if span.is_content_sound:
            continue
        doubtful += span.count
        missing = max(0, span.indexed - span.count)
        messages += missing
        if missing or not span.indexed:
            times.append(_around(spans, number))
    statistics = survey.statistics
    if (
        statistics is not None
        and sum(statistics.channel_message_counts.values()) == statistics.message_count
    ):
        messages = max(messages, statistics.message_count - survey.message_count)
    for gap in survey.gaps:
        before = [span.end_ns for span in spans if span.offset < gap.offset and span.count]
        behind = [span.start_ns for span in spans if span.offset > gap.offset and span.count]
        if before and behind:
            times.append((before[-1], behind[0]))
    sound = tuple(sorted({(a, b) for a, b in times if 0 < a < b < 2**63 - 1}))
    return RepairLoss(lost_bytes=lost_bytes, messages=messages, doubtful=doubtful, times=sound)


def _around(spans: list[Span], number: int) -> tuple[int, int]:
    """Return the end of the sound data before a span and the start of the sound data after it."""
    before = [one.end_ns for one in spans[:number] if one.is_content_sound and one.count]
    behind = [one.start_ns for one in spans[number + 1 :] if one.is_content_sound and one.count]
    return (before[-1] if before else 0, behind[0] if behind else 2**63 - 1)


def _rebuild_mcap(
    source: Path,
    plain: Path,
    state: FileState,
    topics: Mapping[str, TopicFacts],
    in_order: tuple[TopicFacts, ...],
) -> MessageSum:
    with source.open('rb') as stream:
        store = FileStore(stream)
        survey = full_survey(store)
        survey.complete(topics, in_order)
        about = {
            'file': state.file.name,
            'fault': state.fault,
            'lost_bytes': str(state.loss.lost_bytes),
            'lost_messages': str(state.loss.messages),
            'doubtful_messages': str(state.loss.doubtful),
        }
        expected = rebuild(
            store,
            survey,
            plain,
            record=about,
            record_name=RECOVERY,
        )
        if expected.count != survey.message_count:
            msg = (
                f'The repair of {state.file.path} kept {expected.count} of '
                f'{survey.message_count} messages; nothing was changed. Please report it with '
                'the file.'
            )
            raise BagError(msg)
    return expected


def _read_mcap(path: Path) -> MessageSum:
    """Read a file by its index, with the mcap library's reader and with ours."""
    found = MessageSum()
    with path.open('rb') as stream:
        for _, channel, message in make_reader(stream, validate_crcs=True).iter_messages():
            found.add(channel.topic, message.log_time, message.data)
    with closing(McapFileReader(path)) as source:
        if source.damage or not source.survey.is_quick:
            return MessageSum()
        count = sum(1 for _ in source.messages({topic.name for topic in source.topics}))
    return found if count == found.count else MessageSum(count)


def _examine_sqlite(path: Path, file: BagFile) -> FileState:
    with closing(SqliteFile(path, is_thorough=True)) as source:
        content = source.content
        state = FileState(file=file, embedded=content.metadata)
        if source.sides:
            state.fault = 'it was cut off, and what was written last lies beside it'
        if content.problem:
            state.fault = f'it is damaged ({content.problem})'
        state.start_ns, state.end_ns = content.start_ns, content.end_ns
        counts: Counter[int] = Counter()
        for message in source.messages():
            counts[message.topic_id] += 1
            state.packed_messages += is_packed(message)
        state.loss = RepairLoss(messages=source.unread)
        if source.unread and not state.fault:
            state.fault = f'{source.unread} messages are damaged or too large'
        for topic in content.topics:
            state.topics[topic.name] = TopicFound(
                name=topic.name,
                type_name=topic.type_name,
                definition=content.definitions.get(topic.type_name, ('', '', ''))[1],
                type_hash=topic.type_hash,
                serialization_format=topic.serialization_format,
                offered_qos=recorded_qos(topic.offered_qos),
                message_count=counts.pop(topic.id, 0),
            )
        for topic_id, count in counts.items():
            name = f'/recovered/topic_{topic_id}'
            state.topics[name] = TopicFound(name=name, type_name='', message_count=count)
    return state


def _is_unbegun(plain: Path, storage: str) -> bool:
    """Return whether a kill came before a file had what a bag's file begins with."""
    if storage != 'mcap':
        return is_unbegun_sqlite(plain)
    with plain.open('rb') as stream:
        begin = stream.read(len(MAGIC))
    return len(begin) < len(MAGIC) and MAGIC.startswith(begin)


@contextmanager
def _unpacked(file: BagFile) -> Iterator[tuple[Path, str]]:
    """Return a file's path, or that of its decompressed copy, and what went wrong."""
    if not file.is_packed:
        yield file.path, ''
        return
    with TemporaryDirectory(prefix='roof_detector-bag-') as folder:
        plain = Path(folder, file.plain_name)
        yield plain, unpack_file(file.path, plain)
