# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Footage from a bag, and what else of the bag goes through to the results."""

from __future__ import annotations

import fnmatch
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.bags.reader import BagReader
from roof_detector.inputs.bag import ROLES
from roof_detector.inputs.errors import SourceError
from roof_detector.inputs.recorded_image import RecordedPicture
from roof_detector.offline.recording import Frame, Passing, PassingTopic, frame_name
from roof_detector.offline.result_topics import is_result
from roof_detector.offline.source_files import source_files
from roof_detector.telemetry.recorded_track import FIX_TYPES, POSE_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from roof_detector.bags.topics import BagMessage, BagTopic
    from roof_detector.offline.source_files import SourceFile

# Messages that go through travel together up to this size, so that a fast small topic does not
# fill the queues between the stages.
_BATCH_BYTES = 1 << 20
# A camera's clock may be wrong by hours; a stamp further off than this from the moment at which it
# was recorded is that of another day, as when a recording is recorded again.
_FAR_OFF_NS = 86_400 * 10**9


class BagFootage:
    """Give the pictures of image topics as they were recorded, and other messages unchanged.

    Without `image_topics` all topics with pictures of cameras are taken. `copy_topics` are names
    or patterns (`/imu/*`); by default what places a picture goes through: camera info, fix and
    pose, and the simulation's ground truth. Results of an earlier detection never do.
    """

    def __init__(
        self,
        path: Path,
        *,
        image_topics: Sequence[str] = (),
        copy_topics: Sequence[str] | None = None,
    ) -> None:
        try:
            self._reader = BagReader(path)
            chosen = (
                [self._reader.image_topic(name) for name in image_topics]
                if image_topics
                else self._reader.source_image_topics()
            )
        except BagError as error:
            raise SourceError(str(error)) from error
        self.path = path
        self.name = self._reader.path.name if path.is_dir() else path.stem
        self.image_topics = tuple(topic.name for topic in chosen)
        self.frame_count: int | None = sum(topic.message_count for topic in chosen)
        self.is_annotated = all('annotated' in name for name in self.image_topics)
        self._troubles: list[str] = []
        wanted = [
            topic
            for topic in self._reader.topics
            if not is_result(topic.name) and _is_copied(topic, copy_topics)
        ]
        self.passing_topics = tuple(self._passing(wanted))
        self._passing_names = {topic.name for topic in self.passing_topics}

    @cached_property
    def files(self) -> tuple[SourceFile, ...]:
        """Return the bag's files, read and hashed once."""
        return source_files(self.path)

    def items(self) -> Iterator[Frame | Passing]:
        """Yield frames, and before each what was recorded since the one before."""
        indices: Counter[str] = Counter()
        waiting: list[BagMessage] = []
        waiting_bytes = 0
        try:
            for message in self._reader.messages({*self.image_topics, *self._passing_names}):
                if message.topic in self._passing_names:
                    waiting.append(message)
                    waiting_bytes += len(message.data)
                is_frame = message.topic in self.image_topics
                if waiting and (is_frame or waiting_bytes > _BATCH_BYTES):
                    yield Passing(tuple(waiting))
                    waiting, waiting_bytes = [], 0
                if is_frame:
                    yield self._frame(message, indices[message.topic])
                    indices[message.topic] += 1
        except BagError as error:
            raise SourceError(str(error)) from error
        if waiting:
            yield Passing(tuple(waiting))

    def troubles(self) -> tuple[str, ...]:
        """Return what of the bag is damaged, as far as it was read, or cannot go through."""
        return (*self._reader.damage, *self._troubles)

    def close(self) -> None:
        """Close the bag."""
        self._reader.close()

    def _frame(self, message: BagMessage, index: int) -> Frame:
        picture = RecordedPicture(message, self._reader)
        has_odd_stamp = False
        try:
            stamp_ns, frame_id = picture.stamp_ns, picture.frame_id
            has_odd_stamp = stamp_ns <= 0 or abs(stamp_ns - message.log_time_ns) > _FAR_OFF_NS
        except SourceError:  # told again, and counted, when the picture is decoded
            stamp_ns, frame_id = 0, ''
        topic = message.topic if len(self.image_topics) > 1 else ''
        return Frame(
            message.topic,
            index,
            frame_name(self.name, topic, index),
            stamp_ns or message.log_time_ns,
            message.log_time_ns,
            frame_id,
            picture,
            has_odd_stamp=has_odd_stamp,
        )

    def _passing(self, topics: Sequence[BagTopic]) -> Iterator[PassingTopic]:
        for topic in topics:
            try:
                schema = self._reader.schema(topic.type_name)
            except BagError as error:
                self._troubles.append(f'{topic.name} does not go through: {error}')
                continue
            yield PassingTopic(topic.name, schema, topic.offered_qos)


def _is_copied(topic: BagTopic, patterns: Sequence[str] | None) -> bool:
    if patterns is None:
        role = ROLES.get(topic.type_name)
        if role == 'ground_truth':
            return topic.name.endswith(role)
        return role is not None or topic.type_name in (*FIX_TYPES, *POSE_TYPES)
    return any(fnmatch.fnmatchcase(topic.name, pattern) for pattern in patterns)
