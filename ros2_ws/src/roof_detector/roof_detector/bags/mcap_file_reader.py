# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A reader of one MCAP file, complete or damaged, by time."""

from __future__ import annotations

import heapq
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from roof_detector.bags.bounds import ZSTD_MAGIC, message_content
from roof_detector.bags.errors import BagError
from roof_detector.bags.mcap_chunk import read_chunk
from roof_detector.bags.mcap_full_survey import full_survey
from roof_detector.bags.mcap_quick_survey import quick_survey
from roof_detector.bags.mcap_records import HEAD, FileStore, Place
from roof_detector.bags.mcap_span_messages import SpanMessage, content_messages, span_messages
from roof_detector.bags.mcap_survey import UNKNOWN_SCHEMA, McapSurvey, Span, TopicFacts
from roof_detector.bags.qos import recorded_qos
from roof_detector.bags.topics import BagMessage, BagTopic

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from mcap.records import Channel

# Chunks that overlap in time are sorted with at most this much of them in memory.
_MOST_OPEN_BYTES = 512 << 20


class McapFileReader:
    """A reader of one MCAP file by time; it skips and counts damaged chunks, and reads cut files.

    With `packs_messages` each message was compressed by itself (None: decided by its bytes).
    `announced` are the topics in the order of a metadata.yaml, for what a damaged file lost.
    `damage` says what cannot be read, as far as is known: chunks are looked into when they are
    read.
    """

    def __init__(
        self,
        path: Path,
        *,
        packs_messages: bool | None = False,
        announced: Sequence[TopicFacts] = (),
    ) -> None:
        self._path = path
        self._packs_messages = packs_messages
        self._file = path.open('rb')
        try:
            self._store = FileStore(self._file)
            self._survey = quick_survey(self._store) or full_survey(self._store)
            if not self._survey.has_magic and not self._survey.spans:
                msg = f'{path} does not begin like an MCAP file; it is another kind of file.'
                raise BagError(msg)
        except BaseException:
            self._file.close()
            raise
        self._survey.complete({facts.name: facts for facts in announced}, announced)
        self._skipped: dict[int, Span] = {}
        self._unread = 0
        self._is_out_of_order = False
        self._note_skipped()
        self.start_ns, self.end_ns = self._times()
        self.topics = tuple(_topics(self._survey))

    @property
    def damage(self) -> str:
        """Return sentences that say what cannot be read, empty if nothing is known."""
        sentences = [self._cut_off(), self._skipped_chunks(), self._unread_messages()]
        if self._is_out_of_order:
            sentences.append(
                f'The chunks of {self._path.name} overlap so much in time that its messages are '
                'partly read in another order.'
            )
        return ' '.join(sentence for sentence in sentences if sentence)

    @property
    def unread(self) -> int:
        """Return how many messages were skipped one by one in the last reading."""
        return self._unread

    @property
    def survey(self) -> McapSurvey:
        """Return what the file holds and where."""
        return self._survey

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        """Yield the messages of the topics by time."""
        types = {topic.name: topic.type_name for topic in self.topics}
        chosen = {
            (number, channel.id): channel
            for number, table in enumerate(self._survey.tables)
            for channel in table.channels.values()
            if channel.topic in topics and channel.topic in types
        }
        if not chosen:
            return
        self._unread = 0
        for message in self._ordered(chosen):
            channel = chosen[message.table, message.channel]
            data = self._unpacked(message.data)
            if data is not None:
                yield BagMessage(
                    topic=channel.topic,
                    type_name=types[channel.topic],
                    log_time_ns=message.log_time_ns,
                    data=data,
                )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _ordered(self, chosen: dict[tuple[int, int], Channel]) -> Iterator[SpanMessage]:
        """Yield messages by time, with no more of them in memory than overlap."""
        waiting: list[tuple[int, int, SpanMessage]] = []
        waiting_bytes = number = 0
        spans = [span for span in self._survey.spans if span.offset not in self._skipped]
        for span in sorted(spans, key=lambda one: one.start_ns):
            while waiting and (waiting[0][0] < span.start_ns or waiting_bytes > _MOST_OPEN_BYTES):
                self._is_out_of_order |= waiting[0][0] >= span.start_ns
                message = heapq.heappop(waiting)[2]
                waiting_bytes -= len(message.data)
                yield message
            for message in self._read(span, chosen):
                heapq.heappush(waiting, (message.log_time_ns, number, message))
                waiting_bytes += len(message.data)
                number += 1
        while waiting:
            yield heapq.heappop(waiting)[2]

    def _read(self, span: Span, chosen: dict[tuple[int, int], Channel]) -> list[SpanMessage]:
        if not span.is_chunk or len(self._survey.tables) > 1:
            found = span_messages(self._store, self._survey, span)
            return [one for one in found if (one.table, one.channel) in chosen]
        place = Place(0, span.offset, span.length - HEAD.size)
        chunk = read_chunk(self._store, place)
        if not chunk.is_content_sound:
            self._skip(span, chunk.problem)
            return []
        ids = {channel_id for _, channel_id in chosen}
        messages, problem = content_messages(chunk.content, ids, table=0)
        if problem:
            self._skip(span, problem)
        return messages

    def _skip(self, span: Span, problem: str) -> None:
        span.problem = span.problem or problem
        self._skipped[span.offset] = span

    def _note_skipped(self) -> None:
        for span in self._survey.spans:
            if not span.is_content_sound:
                self._skipped[span.offset] = span

    def _unpacked(self, data: bytes) -> bytes | None:
        is_packed = data.startswith(ZSTD_MAGIC)  # no serialised message begins like this
        if self._packs_messages is False or (self._packs_messages is None and not is_packed):
            return data
        try:
            return message_content(data)
        except BagError:
            self._unread += 1
            return None

    def _times(self) -> tuple[int, int]:
        statistics = self._survey.statistics
        if self._survey.is_quick and statistics is not None and statistics.message_count:
            return statistics.message_start_time, statistics.message_end_time
        return self._survey.start_ns, self._survey.end_ns

    def _cut_off(self) -> str:
        survey, name = self._survey, self._path.name
        if survey.is_finished and survey.has_magic and not survey.gaps:
            return ''
        if survey.is_finished:
            return (
                f'{name} is damaged: {survey.lost_bytes} of its bytes belong to no readable '
                f'record. {_REPAIR_HINT}'
            )
        lost = survey.size - _readable_end(survey)
        end = 'only its summary is missing'
        if lost > 0:
            end = f'the last {lost} of its bytes belong to an incomplete record'
        before = survey.lost_bytes - (lost if survey.gaps else 0)
        more = f' {before} bytes before that are damaged.' if before > 0 else ''
        return f'{name} was cut off: {end}.{more} {_REPAIR_HINT}'

    def _skipped_chunks(self) -> str:
        skipped = list(self._skipped.values())
        if not skipped:
            return ''
        chunks = sum(span.is_chunk for span in self._survey.spans)
        count = sum(span.count for span in skipped)
        times = [span for span in skipped if span.start_ns <= span.end_ns]
        when = f' from {_when(times)}' if times else ''
        return (
            f'{len(skipped)} of {chunks} chunks of {self._path.name} are damaged and were '
            f'skipped, with about {count} messages{when} ({skipped[0].problem}). {_REPAIR_HINT}'
        )

    def _unread_messages(self) -> str:
        if not self._unread:
            return ''
        return (
            f'{self._unread} compressed messages of {self._path.name} are damaged or too large '
            'and were skipped.'
        )


_REPAIR_HINT = '"roof_detector bag recover" repairs the bag and keeps what can be read.'


def _readable_end(survey: McapSurvey) -> int:
    """Return where the last whole record ends."""
    if survey.gaps and survey.gaps[-1].offset + survey.gaps[-1].length == survey.size:
        return survey.gaps[-1].offset
    last = survey.spans[-1] if survey.spans else None
    if last is not None and not last.is_content_sound and last.offset + last.length > survey.size:
        return last.offset
    return survey.size


def _when(spans: list[Span]) -> str:
    begin, end = min(span.start_ns for span in spans), max(span.end_ns for span in spans)
    return f'{time_text(begin)} to {time_text(end)}'


def time_text(time_ns: int) -> str:
    """Return a time in UTC for people; the number if no calendar holds it."""
    try:
        moment = datetime.fromtimestamp(time_ns // 10**9, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return f'{time_ns} ns'
    return f'{moment:%Y-%m-%d %H:%M:%S}.{time_ns % 10**9 // 10**6:03d}'


def _topics(survey: McapSurvey) -> Iterator[BagTopic]:
    """Yield the topics, without those that have no schema or are not encoded as CDR."""
    counts: dict[tuple[int, int], int] = {}
    if survey.is_quick and survey.statistics is not None:
        stated = survey.statistics.channel_message_counts
        counts = {(0, channel_id): count for channel_id, count in stated.items()}
    else:
        for span in survey.spans:
            for key, count in span.counts.items():
                if span.is_content_sound:
                    counts[key] = counts.get(key, 0) + count
    known: dict[str, BagTopic] = {}
    for number, table in enumerate(survey.tables):
        for channel in table.channels.values():
            schema = table.schemas.get(channel.schema_id)
            if schema is None:
                schema = UNKNOWN_SCHEMA
            before = known.get(channel.topic)
            if before is not None and before.type_name != schema.name:
                continue
            qos = recorded_qos(channel.metadata.get('offered_qos_profiles', ''))
            known[channel.topic] = BagTopic(
                name=channel.topic,
                type_name=schema.name,
                message_count=counts.pop((number, channel.id), 0)
                + (before.message_count if before else 0),
                # A doubtful definition is left out: a type that we know is read with our
                # definition.
                definition=''
                if ('schema', schema.id) in table.doubtful
                else schema.data.decode(errors='replace'),
                offered_qos=qos or (before.offered_qos if before else ()),
            )
    yield from known.values()
