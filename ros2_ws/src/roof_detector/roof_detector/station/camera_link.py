# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One camera of a detector: its video and its findings."""

from __future__ import annotations

from typing import Any

import cv2
import numpy.typing as npt
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from vision_msgs.msg import Detection2DArray

from roof_detector.station.finding import Finding
from roof_detector.station.flight_log import FlightLog
from roof_detector.station.video import Video
from roof_detector.vision.encodings import decode_jpeg
from roof_detector.vision.errors import VisionError

_QOS = QoSProfile(depth=20, reliability=ReliabilityPolicy.BEST_EFFORT)
_THUMBNAIL_PX = 96
# Detections wait so long for their annotated picture, which is drawn after them.
_PENDING_FRAMES = 8


class CameraLink:
    """Follow one camera; `name` is what the page calls it: the topics' common beginning."""

    def __init__(self, node: Node, name: str) -> None:
        self.name = name
        self.log = FlightLog()
        self.video = Video(node, f'{name}/image_annotated/compressed', self._illustrate)
        self._node = node
        self._pending: dict[int, tuple[Finding, ...]] = {}
        self._subscription = node.create_subscription(
            Detection2DArray, f'{name}/detections', self._take, _QOS
        )

    def look_after(self) -> None:
        """Do what a few times a second is soon enough for; only ROS's thread may."""
        self.video.look_after()
        self.log.sample()

    def close(self) -> None:
        """Take the subscriptions back; only ROS's thread may."""
        self.video.close()
        self._node.destroy_subscription(self._subscription)

    def _take(self, message: Detection2DArray) -> None:
        stamp_ns = Time.from_msg(message.header.stamp).nanoseconds
        first = self.log.total + 1
        findings = tuple(
            _finding(one, number=first + k, camera=self.name, stamp_ns=stamp_ns)
            for k, one in enumerate(each for each in message.detections if each.results)
        )
        age_s = (self._node.get_clock().now().nanoseconds - stamp_ns) / 1e9
        self.log.add(findings, age_s=age_s)
        if findings and self.video.is_listening:
            self._pending[stamp_ns] = findings
            if len(self._pending) > _PENDING_FRAMES:
                del self._pending[next(iter(self._pending))]

    def _illustrate(self, stamp_ns: int, jpeg: bytes) -> None:
        findings = self._pending.pop(stamp_ns, ())
        if not findings:
            return
        try:
            image_bgr = decode_jpeg(jpeg)
        except VisionError:
            return  # the page shows no such picture either; the findings stay without thumbnails
        for finding in findings:
            self.log.illustrate(finding, _thumbnail(image_bgr, finding.box_xyxy))


def _finding(detection: Any, *, number: int, camera: str, stamp_ns: int) -> Finding:
    best = max((one.hypothesis for one in detection.results), key=lambda one: one.score)
    centre, box = detection.bbox.center.position, detection.bbox
    return Finding(
        number=number,
        camera=camera,
        label=best.class_id,
        score=best.score,
        box_xyxy=(
            centre.x - box.size_x / 2,
            centre.y - box.size_y / 2,
            centre.x + box.size_x / 2,
            centre.y + box.size_y / 2,
        ),
        stamp_ns=stamp_ns,
    )


def _thumbnail(image_bgr: npt.NDArray[Any], box_xyxy: tuple[float, float, float, float]) -> bytes:
    height, width = image_bgr.shape[:2]
    left, top, right, bottom = (round(side) for side in box_xyxy)
    crop = image_bgr[
        max(0, top - 4) : min(height, bottom + 4), max(0, left - 4) : min(width, right + 4)
    ]
    if not crop.size:
        return b''
    scale = _THUMBNAIL_PX / max(crop.shape[:2])
    size_wh = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
    small = cv2.resize(crop, size_wh, interpolation=cv2.INTER_AREA)
    return cv2.imencode('.jpg', small, [cv2.IMWRITE_JPEG_QUALITY, 75])[1].tobytes()
