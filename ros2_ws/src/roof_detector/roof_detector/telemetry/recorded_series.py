# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the messages of a bag's topics into series of positions and attitudes."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.transform import Rotation

from roof_detector.bags.errors import BagError
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.stamped_series import StampedSeries
from roof_detector.telemetry.gimbal_checks import constant_yaw, is_zero, turned_by_deg
from roof_detector.telemetry.message_clock import MessageClock
from roof_detector.telemetry.message_values import (
    FRD_FROM_FLU,
    MessageValues,
    UnusableMessageError,
)
from roof_detector.telemetry.topic_presets import TRANSFORMS_TYPE, type_fields
from roof_detector.telemetry.transform_tree import TransformCollector, TransformTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from roof_detector.bags.reader import BagReader
    from roof_detector.telemetry.topic_choice import Chosen

# Turns north in east, north, up to the x of a level frame that begins with the heading.
_NORTH_TO_X = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


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
        values = _values(chosen, 'position')
        return self._series(chosen, values, lambda one: values.position(one, assumed), width=12)

    def attitudes(self, chosen: Chosen, assumed: NDArray[np.float64]) -> StampedSeries:
        """Return rows (14,): quaternion of the body in east, north, up; z; covariance (9).

        z in the map is 0 where the messages hold none.
        """
        values = _values(chosen, 'attitude')
        heights = _values(chosen, 'height') if holds_height(chosen) else None
        topic = chosen[0].name

        def row(message: Any) -> tuple[float, ...]:
            self.body_frames.setdefault(topic, values.body_frame(message))
            numbers = values.attitude(message, assumed)
            try:
                z = 0.0 if heights is None else heights.height(message)
            except UnusableMessageError:
                msg = 'not an attitude'
                raise UnusableMessageError(msg) from None
            return (*numbers[:4], z, *numbers[4:])

        return self._series(chosen, values, row, width=14)

    def heights(self, chosen: Chosen) -> StampedSeries:
        """Return rows (1,): the height in the map."""
        values = _values(chosen, 'height')
        return self._series(chosen, values, lambda one: (values.height(one),), width=1)

    def gimbal(
        self, chosen: Chosen, body: StampedSeries | None
    ) -> tuple[StampedSeries | None, str]:
        """Return rows (4,): quaternion of the camera's axes (forward, left, up) in ENU.

        Yaw that is relative to the vehicle is completed by the attitude of the `body`. None, and
        the reason in words, where the payload writes no angles.
        """
        values = _values(chosen, 'gimbal')
        name = chosen[0].name
        without_yaw = 0

        def row(message: Any) -> tuple[float, ...]:
            nonlocal without_yaw
            quaternion, is_earth = values.gimbal(message)
            without_yaw += values.lacks_yaw(message)
            return (*quaternion, float(is_earth), float(values.is_turned_over(message)))

        raw = self._series(chosen, values, row, width=6)
        if not len(raw.rows):
            return None, f'{name} has no message that can be used'
        tilts = [
            abs(Rotation.from_quat(one[:4]).as_matrix() - np.eye(3)).max() for one in raw.rows
        ]
        if max(tilts) < 1e-9:
            return None, f'all gimbal angles of {name} are zero'
        if without_yaw:
            self._remarks.append(
                f'{without_yaw} messages of {name} have no yaw; the heading of the vehicle is '
                'used for it.'
            )
        stamps, rotations, headings = [], [], []
        at_zero = _NORTH_TO_X if values.fields.get('frames') == 'frd_to_ned' else np.eye(3)
        is_stuck = self._is_yaw_stuck(raw, body, name, at_zero=at_zero)
        for stamp_ns, one in zip(raw.stamps_ns.tolist(), raw.rows, strict=True):
            rotation = Rotation.from_quat(one[:4]).as_matrix()
            is_of_vehicle = is_stuck or not one[4]
            heading = None
            if is_of_vehicle or one[5]:
                try:
                    heading = _heading(body, stamp_ns)
                except GeoError:
                    if is_of_vehicle:
                        self.leave_out(name, 'without an attitude of the vehicle')
                        continue
            if is_of_vehicle:
                rotation = heading @ (at_zero @ rotation if one[4] else rotation)
            stamps.append(stamp_ns)
            rotations.append(rotation)
            headings.append(heading if one[5] else None)
        self._turn_upright(rotations, headings, name)
        quaternions = [Rotation.from_matrix(one).as_quat() for one in rotations]
        return StampedSeries.of(stamps, quaternions, width=4), ''

    def _is_yaw_stuck(
        self,
        raw: StampedSeries,
        body: StampedSeries | None,
        name: str,
        *,
        at_zero: NDArray[np.float64],
    ) -> bool:
        """Return whether a yaw on Earth is 0 all the time while the vehicle turns.

        `at_zero` (3, 3) turns east, north, up so that x is where a yaw of 0 points.
        """
        if not raw.rows[:, 4].all():
            return False
        # The left axis is level whatever the pitch.
        left = (at_zero @ Rotation.from_quat(raw.rows[:, :4]).as_matrix())[:, :, 1]
        yaws_deg = np.degrees(np.arctan2(left[:, 0], left[:, 1]))
        if turned_by_deg(yaws_deg) > 1.0:
            return False
        aircraft = []
        for stamp_ns in raw.stamps_ns.tolist():
            try:
                ahead = _heading(body, stamp_ns)[:, 0]
            except GeoError:
                continue
            aircraft.append(np.degrees(np.arctan2(ahead[0], ahead[1])))
        words = constant_yaw(yaws_deg, np.array(aircraft, np.float64))
        if not words:
            return False
        is_stuck = is_zero(yaws_deg)
        self._remarks.append(
            f'{name}: {words}; '
            + (
                'the heading of the vehicle is used for it.'
                if is_stuck
                else 'it is used as it is, as of a gimbal that is locked to north.'
            )
        )
        return is_stuck

    def _turn_upright(
        self,
        rotations: list[NDArray[np.float64]],
        headings: list[NDArray[np.float64] | None],
        name: str,
    ) -> None:
        """Take back a roll of 180 degrees where the upper edge of the image points backwards.

        `headings` is that of the vehicle for the rotations that have such a roll, else None.
        """
        over = [
            (number, float(rotation[:2, 2] @ heading[:2, 0]) < 0)
            for number, (rotation, heading) in enumerate(zip(rotations, headings, strict=True))
            if heading is not None
        ]
        if not over or np.mean([is_backwards for _, is_backwards in over]) <= 0.5:
            return
        for number, _ in over:
            rotations[number] = rotations[number] @ FRD_FROM_FLU  # half a turn about the axis
        self._remarks.append(
            f'{name}: a roll of 180 degrees contradicts the heading of the vehicle in {len(over)} '
            'messages; it is taken as zero.'
        )

    def transforms(self) -> TransformTree:
        """Return the transforms of all topics of TFMessages."""
        collector = TransformCollector()
        for topic in self._bag.topics:
            if topic.type_name == TRANSFORMS_TYPE:
                is_static = topic.name.endswith('tf_static')
                for message, _ in self.messages(topic.name):
                    collector.add(message, is_static=is_static)
        if collector.invalid_count:
            self.left_out['/tf'] = Counter({'not a transform': collector.invalid_count})
        return collector.tree()

    def _series(
        self,
        chosen: Chosen,
        values: MessageValues,
        row: Callable[[Any], tuple[float, ...]],
        *,
        width: int,
    ) -> StampedSeries:
        topic, source = chosen
        stamps, numbers = array('q'), array('d')
        clock = MessageClock()
        for message, received_ns in self.messages(topic.name):
            try:
                found = row(message)
                stamp_ns = values.stamp_ns(message, log_time_ns=received_ns)
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
            np.frombuffer(stamps, np.int64) + shift_ns, np.frombuffer(numbers), width=width
        )


def holds_height(chosen: Chosen) -> bool:
    """Return whether messages of an attitude hold the height in the map too."""
    return 'height' in type_fields(chosen[0].type_name)


def _values(chosen: Chosen, role: str) -> MessageValues:
    topic, source = chosen
    return MessageValues(topic.type_name, role, source.fields)


def _heading(body: StampedSeries | None, stamp_ns: int) -> NDArray[np.float64]:
    """Return the rotation (3, 3) about up from the vehicle's heading into east, north, up."""
    if body is None:
        msg = 'There is no attitude of the vehicle.'
        raise GeoError(msg)
    ahead = Rotation.from_quat(body.at(stamp_ns, what='pose', quaternions=True)[:4]).as_matrix()[
        :, 0
    ]
    length = float(np.hypot(*ahead[:2])) or 1.0
    cosine, sine = ahead[:2] / length
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
