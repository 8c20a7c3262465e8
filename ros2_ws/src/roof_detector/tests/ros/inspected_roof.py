# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A drone over a roof with known objects: its telemetry and its detections over DDS."""

from __future__ import annotations

import json

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, NavSatFix, NavSatStatus
from std_msgs.msg import Header, String
from vision_msgs.msg import Detection2DArray, Detection3DArray, LabelInfo

from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.pose import CameraPose
from roof_detector.ros.common.messages import detections_message, labels_message
from roof_detector.ros.common.outgoing import time_message
from roof_detector.vision.detections import Detections

NAMES = ('equip', 'drain')
ORIGIN = LocalTangentPlane(47.0, 8.0, 400.0)
HEIGHT_M, FOCAL_PX, SIZE_WH = 12.0, 512.0, (640, 360)
BEGIN_NS = 1_700_000_000_000_000_000
STEP_NS = 100_000_000
OBJECTS = np.array([(x, y) for x in (-4.0, 0.0, 4.0) for y in (-1.5, 1.5)])
LATCHED = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class InspectedRoof:
    """Flies east over six objects, and hears what the inspector says of them."""

    def __init__(
        self, graph, *, telemetry=True, fix='/camera/fix', pose='/camera/pose', camera=''
    ):
        self.graph, self.node = graph, graph.node('drone')
        create = self.node.create_publisher
        self.telemetry = {
            kind: create(kind, topic, 50)
            for kind, topic in (
                (NavSatFix, fix),
                (PoseStamped, pose),
                (CameraInfo, '/camera/camera_info'),
            )
            if telemetry
        }
        self.labels = create(LabelInfo, '/detector/labels', LATCHED)
        self.detections = create(Detection2DArray, f'/detector{camera}/detections', 50)
        self.findings, self.events, self.labelled = [], [], []
        self.statuses = []
        listen = self.node.create_subscription
        listen(Detection3DArray, '/inspector/findings', self.findings.append, LATCHED)
        listen(String, '/inspector/events', self._note_event, LATCHED)
        listen(Detection2DArray, f'/inspector{camera}/detections', self.labelled.append, 50)
        listen(DiagnosticArray, '/diagnostics', self._note_status, 50)
        self.labels.publish(labels_message(NAMES, threshold=0.25, header=header(0)))

    @property
    def status(self):
        return self.statuses[-1] if self.statuses else None

    @property
    def values(self):
        return {} if self.status is None else {v.key: v.value for v in self.status.values}

    def wait(self, condition, **options):
        self.graph.wait_until(condition, **options)

    def wait_inspected(self, frames):
        """Wait for these frames; a reader that has just matched may miss the first one or two."""

        def are_done():
            values = self.values
            done = int(values.get('frames_inspected', 0)) >= frames - 3
            return done and values['frames_waiting'] == '0'

        self.graph.wait_until(are_done, what=f'{frames} frames')

    def is_ready(self):
        """Return whether the inspector hears everything, and has chosen its telemetry."""
        heard = [self.detections, *self.telemetry.values()]
        knows_classes = int(self.values.get('frames_waiting', -1)) >= 0
        return knows_classes and all(one.get_subscription_count() for one in heard)

    def fly(self, *, frames=60, first=0, late=0, extra=None, tell=None, period_s=0.01):
        """Publish frames; `tell` publishes the telemetry, which comes `late` frames later."""
        tell = tell or self.tell_place
        for index in range(first, first + frames):
            if index >= late:
                tell(index - late)
            self.detections.publish(self.found(index, extra))
            self.spin(period_s)
        for index in range(first + frames - late, first + frames + 1):
            tell(index)

    def spin(self, seconds):
        # A frame is four messages, heard in this process too: more may not wait than QoS keeps.
        for _ in range(15):
            self.graph.executor.spin_once(timeout_sec=seconds / 15)

    def tell_place(self, index, *, shift=(0.0, 0.0)):
        for message in (fix_message(index, shift=shift), pose_message(index), info_message(index)):
            if type(message) in self.telemetry:
                self.telemetry[type(message)].publish(message)

    def found(self, index, extra=None):
        """Return the detections of a frame; `extra` adds others."""
        boxes = boxes_at(index)
        if extra is not None:
            boxes = np.concatenate([boxes, extra(index)])
        found = Detections(
            boxes_xyxy=boxes.astype(np.float32),
            scores=np.full(len(boxes), 0.8, np.float32),
            class_ids=np.zeros(len(boxes), np.int32),
        )
        return detections_message(found, names=NAMES, header=header(index, 'camera'))

    def _note_event(self, message):
        self.events.append(json.loads(message.data))

    def _note_status(self, array):
        self.statuses += [one for one in array.status if one.name.endswith('inspector: findings')]


def header(index, frame_id=''):
    return Header(stamp=time_message(BEGIN_NS + index * STEP_NS), frame_id=frame_id)


def place_at(index):
    """Return where the camera is, in metres east and north."""
    return np.array([-6.0 + 0.2 * index, 0.0])


def fix_message(index, *, shift=(0.0, 0.0)):
    latitude, longitude, altitude = ORIGIN.to_geodetic([*(place_at(index) + shift), HEIGHT_M])
    return NavSatFix(
        header=header(index, 'camera'),
        status=NavSatStatus(status=NavSatStatus.STATUS_FIX),
        latitude=latitude,
        longitude=longitude,
        altitude=altitude,
        position_covariance=(np.eye(3) * 0.01).ravel(),
        position_covariance_type=NavSatFix.COVARIANCE_TYPE_KNOWN,
    )


def pose_message(index):
    pose = camera_at(index)
    message = PoseStamped(header=header(index, 'map'))
    at, turn = message.pose.position, message.pose.orientation
    at.x, at.y, at.z = pose.position_enu.tolist()
    turn.x, turn.y, turn.z, turn.w = pose.quaternion_xyzw.tolist()
    return message


def info_message(index):
    width, height = SIZE_WH
    k = [FOCAL_PX, 0.0, (width - 1) / 2, 0.0, FOCAL_PX, (height - 1) / 2, 0.0, 0.0, 1.0]
    return CameraInfo(header=header(index, 'camera'), width=width, height=height, k=k)


def camera_at(index):
    return CameraPose.looking_down(
        [*place_at(index), HEIGHT_M], yaw_deg=90.0, pitch_deg=0.0, roll_deg=0.0
    )


def boxes_at(index):
    """Return the boxes (n, 4) of the objects that a frame shows."""
    pose, boxes = camera_at(index), []
    for east, north in OBJECTS:
        corners = [[east + i * 0.3, north + j * 0.3, 0.0] for i in (-1, 1) for j in (-1, 1)]
        optical = pose.to_optical(np.array(corners))
        pixels = optical[:, :2] / optical[:, 2:] * FOCAL_PX + np.array(SIZE_WH) / 2
        box = np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])
        box = np.clip(box, 0, [*SIZE_WH, *SIZE_WH])
        if (box[2:] - box[:2] > 4).all():
            boxes.append(box)
    return np.array(boxes).reshape(-1, 4)


def places_of(findings):
    """Return the places (n, 2) of a Detection3DArray."""
    found = [one.results[0].pose.pose.position for one in findings.detections]
    return np.array([(one.x, one.y) for one in found]).reshape(-1, 2)
