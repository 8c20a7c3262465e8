# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Observation of the ROS graph: image topics and diagnostics."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from roof_detector.doctor.graph_snapshot import GraphSnapshot, NodeReport
from roof_detector.doctor.image_topic import VIDEO_TYPES, ImageTopic, VideoReport
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.recorded_header import stamp_ns
from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from rclpy.node import Node

# Some cameras count from their own start, which looks like an age of 56 years.
_OLDEST_S = 10 * 365.25 * 86_400


class ImageTally:
    """Count, size, rate and age of the serialised images of one topic.

    `unstamped` counts images whose stamp is not a time: never set, negative, or counted from a
    start.
    """

    def __init__(self, type_name: str) -> None:
        self.type_name = type_name
        self.count = 0
        self.unstamped = 0
        self.largest_bytes = 0
        self.least_age_s: float | None = None
        self._first_at = self._last_at = 0.0

    def add(self, image: bytes) -> None:
        """Count an image that has just arrived."""
        self._last_at = time.monotonic()
        if not self.count:
            self._first_at = self._last_at
        self.count += 1
        self.largest_bytes = max(self.largest_bytes, len(image))
        try:
            stamp_s = stamp_ns(image) / 1e9
        except InputError:  # too short for a stamp
            stamp_s = 0.0
        age_s = time.time() - stamp_s
        if stamp_s <= 0 or age_s > _OLDEST_S:
            self.unstamped += 1
            return
        self.least_age_s = age_s if self.least_age_s is None else min(self.least_age_s, age_s)

    @property
    def rate_hz(self) -> float:
        """Return the images per second from the first to the last."""
        span_s = self._last_at - self._first_at
        return (self.count - 1) / span_s if self.count > 1 and span_s > 0 else 0.0


class VideoTally(ImageTally):
    """Count packets of video as well, and look for what keeps a decoder from showing them.

    Without the package of the messages nothing arrives, and that is what is reported.
    """

    def __init__(self, type_name: str) -> None:
        from roof_detector.ros.common.message_types import message_class  # noqa: PLC0415

        super().__init__(type_name)
        self.message_class = message_class(type_name)
        package = '' if self.message_class is not None else type_name.partition('/')[0]
        self.video = VideoReport(missing_package=package)

    def add(self, image: bytes) -> None:
        """Count a packet that has just arrived."""
        from rclpy.serialization import deserialize_message  # noqa: PLC0415

        # PyAV is loaded by who looks at video alone.
        from roof_detector.inputs.video_packets import (  # noqa: PLC0415
            begins_at_keyframe,
            packet_of,
        )

        super().add(image)
        data, encoding, is_keyframe = packet_of(deserialize_message(image, self.message_class))
        fault, keyframes = '', self.video.keyframes
        try:
            keyframes += begins_at_keyframe(data, encoding=encoding) or is_keyframe
        except VisionError as error:
            fault = str(error)
        self.video = VideoReport(encoding=encoding, keyframes=keyframes, fault=fault)


IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage', *VIDEO_TYPES)
# Images that a detector publishes, and only while someone subscribes.
_RESULTS = {'image_annotated', 'masks'}
_DISCOVERY_S = 1.0
_PACKETS = 30  # a second of video: the next one may rest on each
_LONGEST_FACTOR = 3  # of the listening time, when topics are found late


class GraphWatch:
    """Subscriptions to /diagnostics and to all image topics except those of detectors.

    A subscription to annotated images would make the detector draw them.
    """

    def __init__(self, node: Node) -> None:
        from diagnostic_msgs.msg import DiagnosticArray  # noqa: PLC0415

        self._node = node
        self._reports: dict[str, NodeReport] = {}
        self._tallies: dict[str, ImageTally] = {}
        node.create_subscription(DiagnosticArray, '/diagnostics', self._note, 50)

    def refresh(self) -> bool:
        """Subscribe to image topics that have appeared; return whether there were any."""
        before = len(self._tallies)
        for name, types in self._node.get_topic_names_and_types():
            wanted = [kind for kind in types if kind in IMAGE_TYPES]
            if wanted and name not in self._tallies and not _RESULTS & set(name.split('/')):
                self._listen(name, wanted[0])
        return len(self._tallies) > before

    def snapshot(self) -> GraphSnapshot:
        """Return what was observed so far."""
        clocks = self._node.get_publishers_info_by_topic('/clock')
        return GraphSnapshot(
            images=tuple(self._topic(name) for name in sorted(self._tallies)),
            reports=tuple(self._reports[name] for name in sorted(self._reports)),
            simulated_time=bool(clocks),
        )

    def _listen(self, name: str, type_name: str) -> None:
        from sensor_msgs.msg import CompressedImage, Image  # noqa: PLC0415

        from roof_detector.ros.common.qos_matching import request_for  # noqa: PLC0415

        publishers = self._node.get_publishers_info_by_topic(name)
        if not publishers:
            return
        kind: Any = Image if type_name == IMAGE_TYPES[0] else CompressedImage
        tally, depth = ImageTally(type_name), 5
        if type_name in VIDEO_TYPES:
            tally = video = VideoTally(type_name)
            kind, depth = video.message_class, _PACKETS
        self._tallies[name] = tally
        if kind is not None:
            self._node.create_subscription(
                kind, name, tally.add, request_for(publishers, depth=depth), raw=True
            )

    def _note(self, message: Any) -> None:
        for status in message.status:
            level = status.level[0] if isinstance(status.level, bytes) else int(status.level)
            values = {pair.key: pair.value for pair in status.values}
            self._reports[status.name] = NodeReport(
                name=status.name, level=level, message=status.message, values=values
            )

    def _topic(self, name: str) -> ImageTopic:
        tally = self._tallies[name]
        publishers = self._node.get_publishers_info_by_topic(name)
        listeners = self._node.get_subscriptions_info_by_topic(name)
        own = self._node.get_fully_qualified_name()
        return ImageTopic(
            name=name,
            type_name=tally.type_name,
            publishers=tuple(sorted({_full_name(end) for end in publishers})),
            reliabilities=tuple(
                sorted({end.qos_profile.reliability.name.lower() for end in publishers})
            ),
            listeners=tuple(sorted({_full_name(end) for end in listeners} - {own})),
            received=tally.count,
            rate_hz=tally.rate_hz,
            largest_bytes=tally.largest_bytes,
            age_s=tally.least_age_s,
            unstamped=tally.unstamped,
            video=tally.video if isinstance(tally, VideoTally) else None,
        )


def snapshot_graph(*, listen_s: float) -> GraphSnapshot:
    """Join the graph, observe it for a while and leave; raise RuntimeError if ROS refuses."""
    import rclpy  # noqa: PLC0415
    from rclpy.context import Context  # noqa: PLC0415

    from roof_detector.ros.common.guarded_executor import GuardedExecutor  # noqa: PLC0415

    context = Context()
    rclpy.init(context=context)
    try:
        node = rclpy.create_node(
            'doctor', context=context, start_parameter_services=False, enable_rosout=False
        )
        executor = GuardedExecutor(context=context)
        executor.add_node(node)
        watch = GraphWatch(node)
        started_at = time.monotonic()
        ends_at = started_at + _DISCOVERY_S + listen_s
        while (now := time.monotonic()) < ends_at:
            if watch.refresh():  # late topics get the same time
                ends_at = (
                    min(now + listen_s, started_at + _LONGEST_FACTOR * listen_s) + _DISCOVERY_S
                )
            executor.spin_once(timeout_sec=0.05)
        snapshot = watch.snapshot()
        executor.shutdown()
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)
    return snapshot


def _full_name(end: Any) -> str:
    return f'{end.node_namespace.rstrip("/")}/{end.node_name}'
