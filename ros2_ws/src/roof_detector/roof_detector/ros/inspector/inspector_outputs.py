# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the inspector publishes: findings, events, and detections with their ids."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Header, String
from vision_msgs.msg import Detection2DArray, Detection3DArray

from roof_detector.ros.inspector.finding_messages import findings_message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rclpy.node import Node
    from rclpy.publisher import Publisher

    from roof_detector.findings.live_inspection import LiveEvent, LiveUpdate, PlacedFrame
    from roof_detector.ros.detector.camera_topic import CameraTopic
    from roof_detector.ros.inspector.inspection_worker import InspectedFrame

_LATCHED_QOS = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_RESULTS_QOS = QoSProfile(depth=10)
# Whoever joins the graph during the flight gets the events of the last minutes.
_EVENTS_QOS = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class InspectorOutputs:
    """The publishers of the inspector; each topic is made only where somebody listens."""

    def __init__(self, node: Node, cameras: Iterable[CameraTopic], *, frame_id: str) -> None:
        self._node = node
        self._frame_id = frame_id
        self._findings = node.create_publisher(Detection3DArray, '~/findings', _LATCHED_QOS)
        self._events = node.create_publisher(String, '~/events', _EVENTS_QOS)
        self._detections: dict[str, Publisher] = {
            one.name: node.create_publisher(
                Detection2DArray, f'~/{one.name}{one.name and "/"}detections', _RESULTS_QOS
            )
            for one in cameras
        }

    def publish_detections(self, frame: InspectedFrame, placed: PlacedFrame) -> None:
        """Publish the detections of a frame with the numbers of their findings or tracks."""
        publisher = self._detections[frame.camera]
        if not publisher.get_subscription_count():
            return
        message = frame.message
        for position, label in zip(frame.usable.positions.tolist(), placed.labels, strict=True):
            message.detections[position].id = label
        publisher.publish(message)

    def publish_update(self, update: LiveUpdate, *, plane_up_m: float, is_first: bool) -> None:
        """Publish events, and the findings where they changed."""
        for event in update.events:
            self._events.publish(String(data=event_line(event)))
        if update.changed or update.withdrawn or is_first:
            header = Header(stamp=self._node.get_clock().now().to_msg(), frame_id=self._frame_id)
            self._findings.publish(
                findings_message(update.findings, header=header, plane_up_m=plane_up_m)
            )

    def close(self) -> None:
        """Withdraw the topics."""
        for publisher in (self._findings, self._events, *self._detections.values()):
            self._node.destroy_publisher(publisher)


def event_line(event: LiveEvent) -> str:
    """Return an event as one line of JSON, short enough for a link of a few kB/s."""
    finding = event.finding
    values: dict[str, object] = {
        'event': event.kind,
        'number': finding.number,
        'class': finding.class_name,
        'probability': round(finding.existence, 3),
    }
    if event.into:
        values['into'] = event.into
    if finding.place is not None:
        place = finding.place
        values |= {
            'latitude': round(place.latitude_deg, 7),
            'longitude': round(place.longitude_deg, 7),
            'east_m': round(place.east_m, 2),
            'north_m': round(place.north_m, 2),
            'radius95_m': round(place.radius95_m, 2),
        }
    values['time_ns'] = finding.last_seen_ns
    return json.dumps(values, ensure_ascii=False, separators=(',', ':'))
