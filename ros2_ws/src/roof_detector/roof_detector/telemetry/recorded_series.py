# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the messages of a bag's topics into series of positions and attitudes."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from roof_detector.bags.errors import BagError
from roof_detector.georeference.stamped_series import StampedSeries
from roof_detector.telemetry.gimbal_attitudes import GimbalAttitudes, is_all_zero
from roof_detector.telemetry.message_clock import MessageClock
from roof_detector.telemetry.message_values import UnusableMessageError
from roof_detector.telemetry.role_reader import WIDTHS, RoleReader
from roof_detector.telemetry.topic_presets import TRANSFORMS_TYPE, type_fields
from roof_detector.telemetry.transform_tree import TransformCollector, TransformTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from roof_detector.bags.reader import BagReader
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
    from roof_detector.telemetry.topic_choice import Chosen


class RecordedSeries:
    """Series of the values in a bag; messages that cannot be used are counted in `left_out`.

    `images` is the clock of the images: topics of another clock are shifted to it, and their
    offset is kept in `offsets_s`. `jitters_s` has the topics that were stamped at reception.
    """

    def __init__(self, bag: BagReader, *, images: MessageClock | None = None) -> None:
        self._bag = bag
        self._images = images
        self.left_out: dict[str, Counter[str]] = {}
        self.offsets_s: dict[str, tuple[float, float]] = {}
        self.jitters_s: dict[str, float] = {}
        self.body_frames: dict[str, str] = {}
        self._remarks: list[str] = []

    def messages(self, topic: str) -> Iterator[tuple[Any, int]]:
        """Yield the messages that can be read, each with the time of its reception."""
        for message in self._bag.messages([topic]):
            try:
                yield self._bag.deserialize(message), message.log_time_ns
            except BagError:
                self.leave_out(topic, 'damaged')

    def leave_out(self, topic: str, cause: str) -> None:
        """Count a message that is not used."""
        self.left_out.setdefault(topic, Counter())[cause] += 1

    def notes(self) -> list[str]:
        """Return a sentence for each kind of message that was left out."""
        return [
            f'Georeferencing leaves out messages of {topic}: '
            f'{", ".join(f"{count} {cause}" for cause, count in sorted(causes.items()))}.'
            for topic, causes in self.left_out.items()
        ] + self._remarks

    def positions(self, chosen: Chosen, assumed: NDArray[np.float64]) -> StampedSeries:
        """Return rows (12,): latitude, longitude, altitude, covariance (9)."""
        reader = RoleReader(chosen, 'position', assumed)
        return self._series(reader, reader.row)

    def attitudes(self, chosen: Chosen, assumed: NDArray[np.float64]) -> StampedSeries:
        """Return rows (14,): quaternion of the body in east, north, up; z; covariance (9).

        z in the map is 0 where the messages hold none.
        """
        reader = RoleReader(chosen, 'attitude', assumed)
        topic = chosen[0].name

        def row(message: Any) -> tuple[float, ...]:
            self.body_frames.setdefault(topic, reader.values.body_frame(message))
            return reader.row(message)

        return self._series(reader, row)

    def local_positions(
        self, chosen: Chosen, plane: LocalTangentPlane, assumed: NDArray[np.float64]
    ) -> StampedSeries:
        """Return rows as `positions` does, of poses in metres from the origin of a plane."""
        reader = RoleReader(chosen, 'attitude', assumed)
        covariance = assumed.ravel()

        def row(message: Any) -> tuple[float, ...]:
            place = reader.place(message)
            if place is None:
                msg = 'not a position'
                raise UnusableMessageError(msg)
            return (*place, *covariance)

        series = self._series(reader, row, width=WIDTHS['position'])
        rows = series.rows.copy()
        if len(rows):
            rows[:, :3] = plane.to_geodetic(rows[:, :3])
        return StampedSeries(stamps_ns=series.stamps_ns, rows=rows)

    def heights(self, chosen: Chosen) -> StampedSeries:
        """Return rows (1,): the height in the map."""
        reader = RoleReader(chosen, 'height', np.eye(3))
        return self._series(reader, reader.row)

    def gimbal(
        self, chosen: Chosen, body: StampedSeries | None
    ) -> tuple[StampedSeries | None, str]:
        """Return rows (4,): quaternion of the camera's axes (forward, left, up) in ENU.

        Yaw that is relative to the vehicle is completed by the attitude of the `body`. None, and
        the reason in words, where the payload writes no angles.
        """
        reader = RoleReader(chosen, 'gimbal', np.eye(3))
        values = reader.values
        name = chosen[0].name
        without_yaw = 0

        def row(message: Any) -> tuple[float, ...]:
            nonlocal without_yaw
            found = reader.row(message)
            without_yaw += values.lacks_yaw(message)
            return found

        raw = self._series(reader, row)
        if not len(raw.rows):
            return None, f'{name} has no message that can be used'
        if is_all_zero(raw.rows):
            return None, f'all gimbal angles of {name} are zero'
        if without_yaw:
            self._remarks.append(
                f'{without_yaw} messages of {name} have no yaw; the heading of the vehicle is '
                'used for it.'
            )
        gimbal = GimbalAttitudes(name, frames=values.fields.get('frames', ''))
        found = gimbal.oriented(raw, body, is_stuck=gimbal.is_yaw_stuck(raw, body))
        for _ in range(gimbal.without_heading):
            self.leave_out(name, 'without an attitude of the vehicle')
        self._remarks += gimbal.remarks
        return found, ''

    def transforms(self) -> TransformTree:
        """Return the transforms of all topics of TFMessages."""
        collector = TransformCollector()
        for topic in self._bag.topics:
            if topic.type_name == TRANSFORMS_TYPE:
                is_static = topic.name.endswith('tf_static')
                invalid = collector.invalid_count
                for message, _ in self.messages(topic.name):
                    collector.add(message, is_static=is_static)
                if collector.invalid_count > invalid:
                    counted = {'not a transform': collector.invalid_count - invalid}
                    self.left_out[topic.name] = Counter(counted)
        return collector.tree()

    @property
    def transform_topic(self) -> str:
        """Return the name of the topic of transforms, with its namespace; /tf of several."""
        names = [one.name for one in self._bag.topics if one.type_name == TRANSFORMS_TYPE]
        moving = [name for name in names if not name.endswith('tf_static')]
        names = moving or names
        return names[0] if len(names) == 1 else '/tf'

    def _series(
        self,
        reader: RoleReader,
        row: Callable[[Any], tuple[float, ...]],
        *,
        width: int | None = None,
    ) -> StampedSeries:
        topic, source = reader.chosen
        stamps, numbers = array('q'), array('d')
        clock = MessageClock()
        for message, received_ns in self.messages(topic.name):
            try:
                found = row(message)
                stamp_ns = reader.stamp_ns(message, received_ns=received_ns)
            except UnusableMessageError as error:
                self.leave_out(topic.name, str(error))
                continue
            stamps.append(stamp_ns)
            numbers.extend(found)
            clock.add(stamp_ns, received_ns)
        offset = clock.offset_s(self._images) if self._images is not None else None
        shift_ns = 0
        if offset is not None:
            self.offsets_s[topic.name] = offset
            shift_ns = round(offset[0] * 1e9)
        jitter_s = clock.reception_jitter_s()
        if jitter_s is not None or source.stamped == 'reception':
            self.jitters_s[topic.name] = jitter_s or 0.0
        return StampedSeries.of(
            np.frombuffer(stamps, np.int64) + shift_ns,
            np.frombuffer(numbers),
            width=width or reader.width,
        )


def holds_height(chosen: Chosen) -> bool:
    """Return whether messages of an attitude hold the height in the map too."""
    return 'height' in type_fields(chosen[0].type_name)
