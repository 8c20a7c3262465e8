# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The pictures of a recorded flight."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.bags.reader import BagReader
from roof_detector.inputs.due_times import DueTimes
from roof_detector.inputs.errors import SourceError
from roof_detector.inputs.frame import Companion, SourceFrame
from roof_detector.inputs.recorded_header import stamp_ns
from roof_detector.inputs.recorded_image import RecordedPicture
from roof_detector.inputs.source import FrameSource, frame_time_ns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from roof_detector.bags.topics import BagMessage, BagTopic

# What belongs to a picture besides, by message type.
ROLES = {
    'sensor_msgs/msg/CameraInfo': 'camera_info',
    'sensor_msgs/msg/NavSatFix': 'fix',
    'geometry_msgs/msg/PoseStamped': 'pose',
    'vision_msgs/msg/Detection2DArray': 'ground_truth',
}


_LEAST_RATE_HZ = 0.001  # times that are years apart tell no rate


class BagSource(FrameSource):
    """Give the pictures of one image topic as they were recorded, and what belongs to them.

    A companion (camera info, fix, pose, ground truth) comes with the picture of its own stamp;
    what was stamped between two pictures comes with the later one. Frames are due as they were
    received at the recording. Raises SourceError for a bag that cannot be read, or has no picture.
    """

    def __init__(
        self, path: Path, *, rate_hz: float | None = None, loop: bool = False, topic: str = ''
    ) -> None:
        super().__init__(str(path), rate_hz=rate_hz)
        self._loop = loop
        try:
            self._reader = BagReader(path)
            self._topic = self._reader.image_topic(topic)
        except BagError as error:
            raise SourceError(str(error)) from error
        self._roles = _roles(self._reader.topics, image_topic=self._topic.name)
        self._tell_damage()

    @property
    def topic(self) -> str:
        """Return the name of the image topic."""
        return self._topic.name

    @property
    def companion_roles(self) -> frozenset[str]:
        """Return what the bag holds besides the pictures."""
        return frozenset(self._roles.values())

    @property
    def frame_count(self) -> int:
        """Return the pictures of the topic."""
        return self._topic.message_count

    @property
    def rate_hz(self) -> float | None:
        """Return the rate asked for, or the pictures per second of the whole bag."""
        span_ns = self._reader.end_ns - self._reader.start_ns
        own = (self.frame_count - 1) * 1e9 / span_ns if span_ns > 0 else 0.0
        return self._rate_hz or (own if own >= _LEAST_RATE_HZ else None)

    def __iter__(self) -> Iterator[SourceFrame]:
        index = due_ns = shift_ns = 0
        while not self._stopped:
            index_before, begin_ns, period_ns = index, None, 0
            due_times = DueTimes()
            for message, companions in self._one_pass():
                if self._stopped:
                    return
                time_ns = due_times.of(message.log_time_ns)
                if due_times.trouble:
                    self._health = replace(self._health, trouble=due_times.trouble)
                begin_ns = time_ns if begin_ns is None else begin_ns
                last_due_ns, due_ns = due_ns, shift_ns + time_ns - begin_ns
                if index > index_before:
                    period_ns = due_ns - last_due_ns
                picture = RecordedPicture(message, self._reader)
                self._count_delivered()
                yield SourceFrame(
                    index,
                    (picture.stamp_ns or message.log_time_ns) + shift_ns,
                    due_ns
                    if self._rate_hz is None
                    else frame_time_ns(index, rate_hz=self._rate_hz),
                    f'{self._topic.name} message {index - index_before}',
                    picture,
                    companions,
                )
                index += 1
            if index == index_before:
                msg = f'{self._topic.name} in {self.name} holds no picture that can be read.'
                raise SourceError(msg)
            if not self._loop:
                return
            shift_ns = due_ns + (period_ns or 1_000_000_000)

    def close(self) -> None:
        """Close the bag."""
        super().close()
        self._reader.close()

    def _one_pass(self) -> Iterator[tuple[BagMessage, tuple[Companion, ...]]]:
        """Give each picture once it is known what belongs to it: when the next one was read."""
        picture: BagMessage | None = None
        own: list[Companion] = []
        later: list[Companion] = []
        for message in self._messages():
            if message.topic == self._topic.name:
                if picture is not None:
                    yield picture, tuple(own)
                picture, own, later = message, later, []
                continue
            companion = Companion(self._roles[message.topic], message)
            if picture is not None and stamp_ns(message.data) <= stamp_ns(picture.data):
                own.append(companion)
            else:
                later.append(companion)
        if picture is not None:
            yield picture, (*own, *later)

    def _messages(self) -> Iterator[BagMessage]:
        """Give what can be read of the topics; count what is too short to have a header."""
        try:
            for message in self._reader.messages({self._topic.name, *self._roles}):
                try:
                    stamp_ns(message.data)
                except SourceError as error:
                    self._count_unreadable(f'{message.topic}: {error}')
                    continue
                yield message
        except BagError as error:
            raise SourceError(str(error)) from error
        finally:
            self._tell_damage()

    def _tell_damage(self) -> None:
        """Say what of the bag cannot be read, as far as it was read."""
        if self._reader.damage:
            self._health = replace(self._health, trouble=' '.join(self._reader.damage))


def _roles(topics: tuple[BagTopic, ...], *, image_topic: str) -> dict[str, str]:
    """Return which topics go with the pictures: of each type the one nearest by name."""
    nearest: dict[str, str] = {}
    for topic in sorted(topics, key=lambda topic: -_shared_parts(topic.name, image_topic)):
        role = ROLES.get(topic.type_name)
        if role is None or (role == 'ground_truth' and not topic.name.endswith(role)):
            continue
        nearest.setdefault(role, topic.name)
    return {name: role for role, name in nearest.items()}


def _shared_parts(name: str, other: str) -> int:
    """Return how many namespaces two topic names begin with in common."""
    pairs = zip(name.split('/'), other.split('/'), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
