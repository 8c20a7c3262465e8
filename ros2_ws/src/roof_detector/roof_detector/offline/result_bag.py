# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the frames and detections of a result bag, from offline detection or from a flight."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from roof_detector.bags.finding_messages import (
    DETECTIONS,
    LABELS,
    label_names,
    read_candidates,
    read_detections,
)
from roof_detector.bags.mask_messages import read_masks
from roof_detector.bags.reader import BagReader
from roof_detector.bags.records import MANIFEST, metadata_records
from roof_detector.bags.topics import BagMessage, is_result_topic
from roof_detector.inputs.frame import PassthroughMessages, frame_name
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.frame_record import FrameRecord, header_stamp_ns
from roof_detector.offline.image_size import ImageSize
from roof_detector.offline.manifest import IMAGE_TOPICS, INPUT, manifest_names, manifest_table
from roof_detector.offline.result_topics import ResultTopics, live_image_topic
from roof_detector.offline.timing import read_timing
from roof_detector.offline.work_folder import BAG, locate_bag
from roof_detector.vision.frame_findings import FrameFindings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from roof_detector.vision.candidates import Candidates


@dataclass(frozen=True, eq=False, kw_only=True)
class RecordedFrame:
    """A frame of a result bag; `findings` is None where the frame could not be read."""

    record: FrameRecord
    log_time_ns: int
    findings: FrameFindings | None
    candidates: Candidates | None


@dataclass(kw_only=True)
class _TopicFrames:
    """The messages of one image topic, collected until a frame is complete."""

    topics: ResultTopics
    image_topic: str
    has_frames: bool
    has_candidates: bool
    has_masks: bool = False
    index: int = 0
    record: FrameRecord | None = None
    detections: Any = None
    candidates: Any = None
    masks: Any = None


class ResultBag:
    """Reads the frames of a result bag in order, in constant memory."""

    def __init__(self, path: Path) -> None:
        self.folder = path
        self.path = locate_bag(path)
        self.reader = BagReader(self.path)
        self.stem = path.name if path.is_dir() else path.stem
        self.manifest: dict[str, str] = {}
        for name, values in metadata_records(self.path):
            if name == MANIFEST:
                self.manifest.update(values)
        self._types = {topic.name: topic for topic in self.reader.topics}
        self._streams = self._find_streams()
        self.class_names = self._find_class_names()
        self._size = ImageSize(self.reader)

    @property
    def source(self) -> str:
        """Return the input of the detection, or the name of the bag where it is unknown."""
        return self.manifest.get(INPUT) or self.path.name

    @property
    def image_topics(self) -> tuple[str, ...]:
        """Return the image topics that were detected on, '' outside bags or where unknown."""
        return tuple(stream.image_topic for stream in self._streams.values())

    def annotated_topic(self, image_topic: str) -> str:
        """Return the topic of the annotated images of an image topic."""
        (found,) = [s.topics for s in self._streams.values() if s.image_topic == image_topic]
        return found.annotated

    def detections_topic(self, image_topic: str) -> str:
        """Return the topic of the detections of an image topic."""
        (found,) = [s.topics for s in self._streams.values() if s.image_topic == image_topic]
        return found.detections

    @property
    def frame_count(self) -> int:
        """Return the number of recorded frames, unreadable ones included."""
        return sum(
            self._types[s.topics.frames if s.has_frames else s.topics.detections].message_count
            for s in self._streams.values()
        )

    @property
    def has_candidates(self) -> bool:
        """Return whether other thresholds can be applied."""
        return all(stream.has_candidates for stream in self._streams.values())

    def items(
        self, *, with_passthrough: bool = False
    ) -> Iterator[RecordedFrame | PassthroughMessages]:
        """Yield the frames and, with passthrough, all other messages, in the order of the bag."""
        self._streams = self._find_streams()
        of_topic = {
            topic: stream
            for stream in self._streams.values()
            for topic in (
                *(stream.topics.frames, stream.topics.detections),
                *(stream.topics.candidates, stream.topics.masks),
            )
        }
        # Beside the bag, also where the bag of a result folder was named by itself.
        timing = read_timing(self.path.parent if self.path.name == BAG else self.folder)
        names = {name for name in self._types if name in of_topic}
        if with_passthrough:
            names |= {name for name in self._types if not is_result_topic(name)}
        for message in self.reader.messages(names):
            stream = of_topic.get(message.topic)
            if stream is None:
                yield PassthroughMessages((message,))
                continue
            try:
                self._add(stream, message)
            except Exception as error:  # an invalid record ends neither the bag nor the others
                self._mark_unreadable(stream, message, error)
            if _is_complete(stream):
                try:
                    frame = self._frame(stream)
                except Exception as error:
                    self._mark_unreadable(stream, message, error)
                    frame = self._frame(stream)
                yield self._finished(stream, frame, message.log_time_ns, timing)

    def frames(self) -> Iterator[RecordedFrame]:
        """Yield the frames alone."""
        for item in self.items():
            if isinstance(item, RecordedFrame):
                yield item

    def close(self) -> None:
        """Close the bag."""
        self.reader.close()

    def __enter__(self) -> ResultBag:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _find_streams(self) -> dict[str, _TopicFrames]:
        named = manifest_table(self.manifest, IMAGE_TOPICS)
        image_topics = {str(detections): image for image, detections in named.items()}
        found = [
            topic.name
            for topic in self.reader.topics
            if topic.type_name == DETECTIONS
            and (topic.name in image_topics if image_topics else _is_detector_topic(topic.name))
        ]
        if not found:
            listed = ', '.join(f'{t.name} ({t.type_name})' for t in self.reader.topics)
            msg = f'{self.path} holds no detections; it holds: {listed or "nothing at all"}.'
            raise ReplayError(msg)
        streams = {}
        for name in found:
            topics = ResultTopics.beside(name)
            streams[name] = _TopicFrames(
                topics=topics,
                image_topic=image_topics.get(name)
                or ('' if len(found) == 1 else live_image_topic(topics, self.manifest)),
                has_frames=topics.frames in self._types,
                has_candidates=topics.candidates in self._types,
                has_masks=topics.masks in self._types,
            )
        return streams

    def _find_class_names(self) -> tuple[str, ...]:
        labels = {topic.name for topic in self.reader.topics if topic.type_name == LABELS}
        names: tuple[str, ...] = ()
        for message in self.reader.messages(labels):
            with suppress(Exception):  # labels that cannot be read are ignored
                names = label_names(self.reader.deserialize(message))
        if names or 'class_names' in self.manifest:
            return names or tuple(manifest_names(self.manifest, 'class_names'))
        found = set()
        for message in self.reader.messages(set(self._streams)):
            with suppress(Exception):  # reported when the frame is read
                for detection in self.reader.deserialize(message).detections:
                    found |= {result.hypothesis.class_id for result in detection.results}
        return tuple(sorted(found))

    def _add(self, stream: _TopicFrames, message: BagMessage) -> None:
        content = self.reader.deserialize(message)
        if message.topic == stream.topics.frames:
            # The exports know the stream's topic; in a damaged record it can be another one.
            stream.record = replace(FrameRecord.of(content), topic=stream.image_topic)
            stream.detections = stream.candidates = stream.masks = None
        elif message.topic == stream.topics.candidates:
            stream.candidates = content
        elif message.topic == stream.topics.masks:
            stream.masks = content
        else:
            stream.detections = content

    def _mark_unreadable(
        self, stream: _TopicFrames, message: BagMessage, error: Exception
    ) -> None:
        """Turn a record that cannot be read into a frame with an error."""
        sentence = (
            f'The record of {message.topic} at {message.log_time_ns / 1e9:.3f} s cannot be read: '
            f'{" ".join(str(error).split()) or type(error).__name__}'
        )
        if stream.record is None:
            stream.record = FrameRecord(
                topic=stream.image_topic,
                index=stream.index,
                name=frame_name(self.stem, self._topic_in_names(stream), stream.index),
                stamp_ns=message.log_time_ns,
                frame_id='',
                size_wh=(0, 0),
            )
        stream.record = replace(stream.record, error=sentence)
        stream.detections = stream.candidates = stream.masks = None

    def _topic_in_names(self, stream: _TopicFrames) -> str:
        return stream.topics.namespace if len(self._streams) > 1 else ''

    def _finished(
        self,
        stream: _TopicFrames,
        frame: RecordedFrame,
        log_time_ns: int,
        timing: Iterator[tuple[str, int, float]],
    ) -> RecordedFrame:
        """Begin the stream's next frame, and return this one with its times."""
        stream.index += 1
        stream.record = stream.detections = stream.candidates = stream.masks = None
        inference_s = next(timing, (None, None, 0.0))[2] or None
        findings = frame.findings and replace(frame.findings, inference_s=inference_s)
        return replace(frame, log_time_ns=log_time_ns, findings=findings)

    def _frame(self, stream: _TopicFrames) -> RecordedFrame:
        content = stream.detections
        record = stream.record
        if record is None:
            record = FrameRecord(
                topic=stream.image_topic,
                index=stream.index,
                name=frame_name(self.stem, self._topic_in_names(stream), stream.index),
                stamp_ns=header_stamp_ns(content),
                frame_id=content.header.frame_id,
                size_wh=self._size.of(content),
            )
        candidates = findings = None
        if content is not None:
            if stream.candidates is not None:
                candidates = read_candidates(stream.candidates, names=self.class_names)
            detections = read_detections(content, names=self.class_names)
            if stream.masks is not None:
                masks = read_masks(stream.masks, detections, size_wh=record.size_wh)
                detections = replace(detections, masks=masks)
            findings = FrameFindings(
                source=self.source,
                topic=record.topic,
                index=record.index,
                name=record.name,
                stamp_ns=record.stamp_ns,
                frame_id=record.frame_id,
                size_wh=record.size_wh,
                detections=detections,
                class_names=self.class_names,
                content=record.content,
                moment=record.moment,
            )
        return RecordedFrame(
            record=record, log_time_ns=0, findings=findings, candidates=candidates
        )


def _is_complete(stream: _TopicFrames) -> bool:
    if stream.record is not None and stream.record.error:
        return True
    if stream.has_frames and stream.record is None:
        return False
    waits = (stream.has_candidates and stream.candidates is None) or (
        stream.has_masks and stream.masks is None
    )
    return stream.detections is not None and not waits


def _is_detector_topic(topic: str) -> bool:
    """Return whether a topic holds detections, not ground truth of a simulation or candidates."""
    return not topic.endswith(('ground_truth', '/candidates'))
