# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The images of a recorded flight, and the other messages of its bag."""

from __future__ import annotations

import fnmatch
from collections import Counter
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.bags.reader import BagReader
from roof_detector.bags.topics import is_result_topic
from roof_detector.inputs.bag_companions import ROLES, companion_topics, with_companions
from roof_detector.inputs.due_times import DueTimes
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.frame import Frame, PassthroughMessages, PassthroughTopic, frame_name
from roof_detector.inputs.input import RecordedInput, frame_time_ns
from roof_detector.inputs.input_files import input_files
from roof_detector.inputs.recorded_header import stamp_ns
from roof_detector.inputs.recorded_video import RecordedImages
from roof_detector.telemetry.topic_presets import is_telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from roof_detector.bags.topics import BagMessage, BagTopic
    from roof_detector.inputs.frame import Companion
    from roof_detector.inputs.input_files import InputFile
    from roof_detector.inputs.recorded_image import RecordedImage

_LEAST_RATE_HZ = 0.001  # the duration of a bag whose times are years apart gives no rate
# Passthrough messages travel together up to this size, so that a fast small topic does not fill
# the queues between the stages.
_BATCH_BYTES = 1 << 20
# A camera's clock may be wrong by hours; a stamp further than this from the moment at which it
# was recorded is that of another day, as when a recording is recorded again.
_FAR_OFF_NS = 86_400 * 10**9


class BagInput(RecordedInput):
    """The images of a bag's image topics, as they were recorded.

    `image_topics` names the topics; '' is the only one with images of a camera, and an empty
    sequence is all of those. One topic can be played: each frame is due as it was received at the
    recording, and comes with its companions (camera info, fix, pose, ground truth).

    `recorded` yields the messages of `passthrough_topics` too, which are names or patterns
    (`/imu/*`); by default the `named_topics` and those that georeference an image: camera info,
    fix, pose, transforms and the topics of autopilots in telemetry/tables/topics.yaml, and the
    simulation's ground truth. Results of an earlier detection are never among them. Raises
    InputError for a bag that cannot be read or has no image.
    """

    def __init__(
        self,
        path: Path,
        *,
        rate_hz: float | None = None,
        loop: bool = False,
        image_topics: Sequence[str] = ('',),
        passthrough_topics: Sequence[str] | None = None,
        named_topics: Sequence[str] = (),
    ) -> None:
        super().__init__(path, rate_hz=rate_hz, loop=loop)
        try:
            self._reader = BagReader(path)
            chosen = (
                [self._reader.image_topic(name) for name in image_topics]
                if image_topics
                else self._reader.source_image_topics()
            )
        except BagError as error:
            raise InputError(str(error)) from error
        self.stem = self._reader.path.name if path.is_dir() else path.stem
        self.image_topics = tuple(topic.name for topic in chosen)
        self.is_annotated = all('annotated' in name for name in self.image_topics)
        self._frame_count = sum(topic.message_count for topic in chosen)
        self._roles = companion_topics(self._reader.topics, image_topic=self.image_topics[0])
        self._warnings: list[str] = []
        self._passthrough_patterns = passthrough_topics
        self._named_topics = frozenset(named_topics)
        self._report_damage()

    @property
    def topic(self) -> str:
        """Return the name of the image topic to play."""
        if len(self.image_topics) > 1:
            msg = f'{self.path} has several image topics; name the one of {self.image_topics}.'
            raise InputError(msg)
        return self.image_topics[0]

    @property
    def companion_roles(self) -> frozenset[str]:
        """Return the roles of the messages that come with the images."""
        return frozenset(self._roles.values())

    @property
    def frame_count(self) -> int:
        """Return the number of images of the chosen topics."""
        return self._frame_count

    @property
    def rate_hz(self) -> float | None:
        """Return the rate asked for, or the images per second of the whole bag."""
        span_ns = self._reader.end_ns - self._reader.start_ns
        own = (self.frame_count - 1) * 1e9 / span_ns if span_ns > 0 else 0.0
        return self._rate_hz or (own if own >= _LEAST_RATE_HZ else None)

    @cached_property
    def files(self) -> tuple[InputFile, ...]:
        """Return the bag's files, read and hashed once."""
        return input_files(self.path)

    @cached_property
    def passthrough_topics(self) -> tuple[PassthroughTopic, ...]:
        """Return the topics that are copied; a warning names those whose type cannot be read."""
        topics = []
        for topic in self._reader.topics:
            if is_result_topic(topic.name):
                continue
            is_named = self._passthrough_patterns is None and topic.name in self._named_topics
            if not is_named and not _is_passed_through(topic, self._passthrough_patterns):
                continue
            try:
                schema = self._reader.schema(topic.type_name)
            except BagError as error:
                self._warnings.append(f'{topic.name} is not copied: {error}')
                continue
            topics.append(PassthroughTopic(topic.name, schema, topic.offered_qos))
        return tuple(topics)

    def __iter__(self) -> Iterator[Frame]:
        topic = self.topic
        index = due_ns = shift_ns = 0
        while not self._stopped:
            index_before, begin_ns, period_ns = index, None, 0
            due_times = DueTimes()
            for image, companions, log_time_ns in self._playable_images(topic):
                if self._stopped:
                    return
                time_ns = due_times.of(log_time_ns)
                if due_times.warning:
                    self._health = replace(self._health, warning=due_times.warning)
                begin_ns = time_ns if begin_ns is None else begin_ns
                last_due_ns, due_ns = due_ns, shift_ns + time_ns - begin_ns
                if index > index_before:
                    period_ns = due_ns - last_due_ns
                self._count_delivered()
                yield Frame(
                    index=index,
                    name=f'{topic} message {index - index_before}',
                    stamp_ns=(image.stamp_ns or image.message.log_time_ns) + shift_ns,
                    image=image,
                    due_ns=due_ns
                    if self._rate_hz is None
                    else frame_time_ns(index, rate_hz=self._rate_hz),
                    companions=companions,
                )
                index += 1
            if index == index_before:
                msg = f'{topic} in {self.name} holds no image that can be read.'
                raise InputError(msg)
            if not self._loop:
                return
            shift_ns = due_ns + (period_ns or 1_000_000_000)

    def recorded(self) -> Iterator[Frame | PassthroughMessages]:
        """Yield each frame once, and before it the messages recorded since the one before."""
        passthrough = {topic.name for topic in self.passthrough_topics}
        indices: Counter[str] = Counter()
        waiting: list[BagMessage] = []
        waiting_bytes = 0
        images = RecordedImages(self._reader)
        try:
            for message in self._reader.messages({*self.image_topics, *passthrough}):
                if message.topic in passthrough:
                    waiting.append(message)
                    waiting_bytes += len(message.data)
                is_frame = message.topic in self.image_topics
                if waiting and (is_frame or waiting_bytes > _BATCH_BYTES):
                    yield PassthroughMessages(tuple(waiting))
                    waiting, waiting_bytes = [], 0
                for image in images.of(message) if is_frame else ():
                    yield self._recorded_frame(image, indices[message.topic])
                    indices[message.topic] += 1
            for image in images.rest():
                yield self._recorded_frame(image, indices[image.message.topic])
                indices[image.message.topic] += 1
        except BagError as error:
            raise InputError(str(error)) from error
        if waiting:
            yield PassthroughMessages(tuple(waiting))
        self._report_lost(images)

    def warnings(self) -> tuple[str, ...]:
        """Return what of the bag is damaged, as far as it was read, or cannot be copied."""
        return (*self._reader.damage, *self._warnings)

    def close(self) -> None:
        """Close the bag."""
        super().close()
        self._reader.close()

    def _playable_messages(self, topic: str) -> Iterator[BagMessage]:
        """Yield the messages to play; count those that are too short to have a header."""
        try:
            for message in self._reader.messages({topic, *self._roles}):
                try:
                    stamp_ns(message.data)
                except InputError as error:
                    self._count_unreadable(f'{message.topic}: {error}')
                    continue
                yield message
        except BagError as error:
            raise InputError(str(error)) from error
        finally:
            self._report_damage()

    def _playable_images(
        self, topic: str
    ) -> Iterator[tuple[RecordedImage, tuple[Companion, ...], int]]:
        """Yield each image to play, what comes with it, and when it was there to be seen."""
        images = RecordedImages(self._reader)
        log_time_ns = 0
        for message, companions in with_companions(
            self._playable_messages(topic), image_topic=topic, roles=self._roles
        ):
            log_time_ns = message.log_time_ns
            for image in images.of(message):
                yield image, companions, log_time_ns
        for image in images.rest():
            yield image, (), log_time_ns
        self._report_lost(images)

    def _report_lost(self, images: RecordedImages) -> None:
        self._warnings += [
            f'{count} pictures of the video on {name} rested on damaged or missing packets.'
            for name, count in images.lost.items()
        ]

    def _report_damage(self) -> None:
        """Put what of the bag cannot be read, as far as it was read, into the health."""
        if self._reader.damage:
            self._health = replace(self._health, warning=' '.join(self._reader.damage))

    def _recorded_frame(self, image: RecordedImage, index: int) -> Frame:
        message = image.message
        has_odd_stamp = False
        try:
            image_ns, frame_id = image.stamp_ns, image.frame_id
            has_odd_stamp = image_ns <= 0 or abs(image_ns - message.log_time_ns) > _FAR_OFF_NS
        except InputError:  # decoding the image raises it again, and is counted
            image_ns, frame_id = 0, ''
        return Frame(
            index=index,
            name=frame_name(self.stem, message.topic if len(self.image_topics) > 1 else '', index),
            stamp_ns=image_ns or message.log_time_ns,
            image=image,
            topic=message.topic,
            log_time_ns=message.log_time_ns,
            frame_id=frame_id,
            has_odd_stamp=has_odd_stamp,
        )


def _is_passed_through(topic: BagTopic, patterns: Sequence[str] | None) -> bool:
    if patterns is None:
        role = ROLES.get(topic.type_name)
        if role == 'ground_truth':
            return topic.name.endswith(role)
        return role is not None or is_telemetry(topic.name, topic.type_name)
    return any(fnmatch.fnmatchcase(topic.name, pattern) for pattern in patterns)
