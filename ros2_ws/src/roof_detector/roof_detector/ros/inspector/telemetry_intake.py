# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Receives what tells where the cameras are: chooses the topics and listens to them."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from roof_detector.bags.topics import BagTopic
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.ros.inspector.followed_topic import FollowedTopic
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.live_camera import LiveCamera
from roof_detector.telemetry.live_telemetry import LiveTelemetry
from roof_detector.telemetry.topic_choice import INFO_TYPES, TopicNames, choose_topics
from roof_detector.telemetry.topic_presets import TRANSFORMS_TYPE, is_telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rclpy.node import Node

    from roof_detector.ros.inspector.inspector_settings import InspectorSettings
    from roof_detector.supervision.health import Delivery
    from roof_detector.telemetry.topic_choice import ChosenTopics

_log = logging.getLogger(__name__)
# Nodes start one after another: what is published is the same for so long before it is chosen.
_SETTLED_S = 1.0
_SILENT_S = 5.0
_TRANSFORMS = {'/tf': False, '/tf_static': True}
_OF_FRAMES = ('nav_msgs/msg/Odometry', 'sensor_msgs/msg/Imu')


class TelemetryIntake:
    """The telemetry of all cameras; `cameras` has those whose topics are chosen, by name.

    `missing` says for each other camera what there is none of. `on_arrival` is called after each
    message that is of use.
    """

    def __init__(
        self, node: Node, settings: InspectorSettings, *, on_arrival: Callable[[], None]
    ) -> None:
        self.telemetry = LiveTelemetry(Uncertainty())
        self.cameras: dict[str, LiveCamera] = {}
        self.missing: dict[str, str] = {}
        self._node = node
        self._settings = settings
        self._on_arrival = on_arrival
        self._topics: dict[str, FollowedTopic] = {}
        self._candidates: dict[str, tuple[ChosenTopics, float]] = {}
        self._since_s: dict[str, float] = {}

    def refresh(self) -> None:
        """Choose topics that are not chosen yet, and follow the publishers of those that are."""
        unknown = []
        for camera in self._settings.cameras:
            chosen = self.cameras.get(camera.name)
            if chosen is None or self._is_silent(chosen, camera.name):
                unknown.append(camera)
        # An autopilot publishes hundreds of topics: they are listed only while that is of use.
        published = self._published() if unknown else ()
        for camera in unknown:
            self._choose(camera.name, camera.topic, published)
        for topic in self._topics.values():
            topic.refresh()

    def warnings(self) -> list[str]:
        """Return why topics that were chosen cannot be received."""
        return [topic.warning for topic in self._topics.values() if topic.warning]

    def notes(self) -> list[str]:
        """Return what is assumed or corrected, a sentence each."""
        return list(dict.fromkeys(note for one in self.cameras.values() for note in one.notes))

    def deliveries(self, name: str) -> list[Delivery]:
        """Return for how long each value that a camera needs has not come."""
        camera = self.cameras.get(name)
        if camera is None:
            return []
        chosen = camera.chosen
        wanted = [('position', chosen.position), ('attitude', chosen.attitude)]
        found = [
            self._topics[one[0].name].delivery(what) for what, one in wanted if one is not None
        ]
        if chosen.attitude is None:
            found.append(self._topics['/tf'].delivery('transform'))
        info = self._topics[chosen.info.name]
        # It may be latched: what has come once stays.
        return found if info.arrivals.count else [*found, info.delivery('camera info')]

    def received(self) -> dict[str, int]:
        """Return how many messages of each topic were received."""
        return {topic.name: topic.received for topic in self._topics.values()}

    def close(self) -> None:
        """Stop listening."""
        for topic in self._topics.values():
            topic.close()
        self._topics.clear()
        self.cameras.clear()

    def _published(self) -> list[BagTopic]:
        found = []
        for name, types in self._node.get_topic_names_and_types():
            for type_name in types:
                if type_name in INFO_TYPES or is_telemetry(name, type_name):
                    count = self._node.count_publishers(name)
                    found.append(BagTopic(name=name, type_name=type_name, message_count=count))
        return [topic for topic in found if topic.message_count]

    def _is_silent(self, camera: LiveCamera, name: str) -> bool:
        """Return whether the chosen topics were never heard, so that others may be meant."""
        position = self._topics[camera.chosen.position[0].name]
        waited_s = time.monotonic() - self._since_s[name]
        return not position.arrivals.count and waited_s > _SILENT_S

    def _choose(self, name: str, image_topic: str, published: Sequence[BagTopic]) -> None:
        images = self._node.resolve_topic_name(image_topic)
        given = self._settings.names
        info = given.info or f'{images.rpartition("/")[0]}/camera_info'
        names = {
            role: self._node.resolve_topic_name(topic) if topic else ''
            for role, topic in (('fix', given.fix), ('pose', given.pose), ('gimbal', given.gimbal))
        }
        try:
            chosen = choose_topics(
                published,
                bag='The ROS graph',
                image_topic=images,
                preset=self._settings.preset,
                names=TopicNames(info=self._node.resolve_topic_name(info), **names),
            )
        except TelemetryError as error:
            self.missing[name] = str(error)
            self._candidates.pop(name, None)
            return
        before, since_s = self._candidates.get(name, (None, 0.0))
        now_s = time.monotonic()
        if before != chosen:
            self._candidates[name] = chosen, now_s
            self.missing.setdefault(name, 'The telemetry has just appeared.')
        elif now_s - since_s >= _SETTLED_S:
            self._take(name, chosen, is_rectified='rect' in images)

    def _take(self, name: str, chosen: ChosenTopics, *, is_rectified: bool) -> None:
        present = self.cameras.get(name)
        if present is not None and present.chosen == chosen:
            return
        try:
            camera = LiveCamera(
                self.telemetry,
                chosen,
                ground=self._settings.ground,
                mount=self._settings.mount,
                uncertainty=Uncertainty(),
                world_frame=self._settings.world_frame,
                is_rectified=is_rectified,
            )
        except TelemetryError as error:
            self.missing[name] = str(error)
            return
        for one in (chosen.position, chosen.attitude, chosen.height, chosen.gimbal):
            if one is not None:
                self._listen(one[0])
        self._listen(chosen.info)
        if chosen.attitude is None or self._needs_transforms(chosen):
            for topic in _TRANSFORMS:
                self._listen(BagTopic(name=topic, type_name=TRANSFORMS_TYPE, message_count=0))
        self._since_s[name] = time.monotonic()
        self.cameras[name] = camera
        self.missing.pop(name, None)
        _log.info(
            'The telemetry%s is that of %s: position from %s, attitude from %s.',
            f' of {name}' if name else '',
            chosen.preset.description,
            chosen.position[0].name,
            '/tf' if chosen.attitude is None else chosen.attitude[0].name,
        )

    def _needs_transforms(self, chosen: ChosenTopics) -> bool:
        """Return whether transforms may tell the mount of the camera."""
        if self._settings.mount is not None or not self._node.count_publishers('/tf_static'):
            return False
        assert chosen.attitude is not None
        return not chosen.is_of_camera or chosen.attitude[0].type_name in _OF_FRAMES

    def _listen(self, topic: BagTopic) -> None:
        if topic.name not in self._topics:
            self._topics[topic.name] = FollowedTopic(
                self._node, topic.name, topic.type_name, partial(self._add, topic)
            )
            self._topics[topic.name].refresh()

    def _add(self, topic: BagTopic, message: Any) -> bool:
        if topic.type_name == TRANSFORMS_TYPE:
            used = self.telemetry.add_transforms(
                topic.name, message, is_static=_TRANSFORMS.get(topic.name, False)
            )
        elif topic.type_name in INFO_TYPES:
            used = self.telemetry.add_lens(topic.name, message)
        else:
            received_ns = self._node.get_clock().now().nanoseconds
            used = self.telemetry.add(topic.name, message, received_ns=received_ns)
        if used:
            self._on_arrival()
        return used
