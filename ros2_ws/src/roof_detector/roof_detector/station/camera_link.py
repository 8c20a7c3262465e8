# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One camera of a detector: its video and its detections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
from rclpy.qos import QoSProfile, ReliabilityPolicy
from vision_msgs.msg import Detection2DArray

from roof_detector.ros.detector.stamp_age import age_s, stamp_ns
from roof_detector.station.finding import LiveFinding
from roof_detector.station.flight_log import FlightLog
from roof_detector.station.video import Video
from roof_detector.vision.encodings import decode_jpeg
from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    import numpy.typing as npt
    from rclpy.node import Node

    from roof_detector.station.live_frames import LiveFrames

_QOS = QoSProfile(depth=20, reliability=ReliabilityPolicy.BEST_EFFORT)
_THUMBNAIL_PX = 96
# Detections wait this long for their annotated image, which is drawn after them.
_PENDING_FRAMES = 8
# Any node of the graph may publish detections: implausible ones are dropped.
_MOST_OF_A_FRAME = 1000
_LARGEST_PX = 1e6
_LONGEST_LABEL = 200


class CameraLink:
    """The station's subscriptions to one camera; `name` is the common prefix of its topics."""

    def __init__(self, node: Node, name: str, *, frames: LiveFrames) -> None:
        self.name = name
        self._frames = frames
        self.log = FlightLog()
        self.video = Video(
            node, f'{name}/image_annotated/compressed', on_image=self._add_thumbnails
        )
        self._node = node
        self._pending: dict[int, tuple[LiveFinding, ...]] = {}
        self._subscription = node.create_subscription(
            Detection2DArray, f'{name}/detections', self._on_detections, _QOS
        )

    def update(self) -> None:
        """Update video and log; called several times a second, in ROS's thread only."""
        self.video.update(is_wanted=self._frames.is_wanted)
        self.log.sample()

    def close(self) -> None:
        """Destroy the subscriptions; call in ROS's thread only."""
        self.video.close()
        self._node.destroy_subscription(self._subscription)

    def _on_detections(self, message: Detection2DArray) -> None:
        stamp = stamp_ns(message.header.stamp)
        findings: list[LiveFinding] = []
        for detection in message.detections:
            if not detection.results:
                continue
            if len(findings) == _MOST_OF_A_FRAME:
                self.log.refused['more than a frame may have'] += 1
                continue
            number = self.log.total + len(findings) + 1
            finding = _finding(detection, number=number, camera=self.name, stamp=stamp)
            if finding is None:
                self.log.refused['not a detection'] += 1
            else:
                findings.append(finding)
        self._add(stamp, tuple(findings), message)

    def _add(
        self, stamp: int, findings: tuple[LiveFinding, ...], message: Detection2DArray
    ) -> None:
        now_ns = self._node.get_clock().now().nanoseconds
        self.log.add(findings, age_s=age_s(message.header.stamp, now_ns=now_ns))
        if findings and self.video.is_listening:
            self._pending[stamp] = findings
            if len(self._pending) > _PENDING_FRAMES:
                del self._pending[next(iter(self._pending))]

    def _add_thumbnails(self, stamp: int, jpeg: bytes) -> None:
        findings = self._pending.pop(stamp, ())
        if not findings:
            return
        self._frames.add(self.name, findings, jpeg)
        try:
            image_bgr = decode_jpeg(jpeg)
        except VisionError:
            return  # the page cannot show this image either; its detections have no thumbnails
        for finding in findings:
            self.log.add_thumbnail(finding, _thumbnail(image_bgr, finding.box_xyxy))


def _finding(detection: Any, *, number: int, camera: str, stamp: int) -> LiveFinding | None:
    """Return a detection as the page shows it; None if its numbers or its name are invalid."""
    best = max((one.hypothesis for one in detection.results), key=lambda one: one.score)
    centre, box = detection.bbox.center.position, detection.bbox
    sides = (centre.x, centre.y, box.size_x, box.size_y)
    is_box = all(abs(side) <= _LARGEST_PX for side in sides) and min(box.size_x, box.size_y) >= 0
    if not is_box or not 0 <= best.score <= 1 or len(best.class_id) > _LONGEST_LABEL:
        return None
    return LiveFinding(
        number=number,
        camera=camera,
        label=best.class_id,
        confidence=best.score,
        box_xyxy=(
            centre.x - box.size_x / 2,
            centre.y - box.size_y / 2,
            centre.x + box.size_x / 2,
            centre.y + box.size_y / 2,
        ),
        stamp_ns=stamp,
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
