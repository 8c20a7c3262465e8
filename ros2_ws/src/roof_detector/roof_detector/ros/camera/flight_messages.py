# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The messages of a simulated camera: images, position, pose and ground truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion
from sensor_msgs.msg import CameraInfo, NavSatFix, NavSatStatus
from std_msgs.msg import Header

from roof_detector.georeference.pose import CameraPose
from roof_detector.georeference.rotation import Rotation
from roof_detector.ros.camera.camera_messages import image_messages
from roof_detector.ros.common.messages import detections_message
from roof_detector.ros.common.outgoing import Outgoing, OutgoingFrame
from roof_detector.simulation import CLASS_NAMES, FlightFrame, PinholeCamera
from roof_detector.vision.detections import Detections

if TYPE_CHECKING:
    from vision_msgs.msg import Detection2DArray

    from roof_detector.ros.camera.stream_parameters import StreamSettings

FLIGHT_ROLES = frozenset({'camera_info', 'fix', 'pose', 'ground_truth'})
# The simulation is exact; 1 cm keeps consumers from dividing by a variance of zero.
_POSITION_VARIANCE_M2 = 0.01**2


def flight_messages(
    frame: FlightFrame,
    settings: StreamSettings,
    *,
    map_frame_id: str,
    stamp_ns: int,
    due_ns: int,
) -> OutgoingFrame:
    """Return a frame's images, camera_info, fix, pose of the optical frame and ground truth."""
    frame_id = settings.frame_id
    messages = (
        *image_messages(frame.image_bgr, settings, frame_id=frame_id),
        Outgoing('camera_info', camera_info_message(frame.camera, Header(frame_id=frame_id))),
        Outgoing('fix', fix_message(frame, Header(frame_id=frame_id))),
        Outgoing('pose', pose_message(frame, Header(frame_id=map_frame_id))),
        Outgoing('ground_truth', ground_truth_message(frame, Header(frame_id=frame_id))),
    )
    return OutgoingFrame(stamp_ns, due_ns, messages)


def camera_info_message(camera: PinholeCamera, header: Header) -> CameraInfo:
    """Return the CameraInfo of a camera without distortion."""
    projection = np.hstack([camera.matrix, np.zeros((3, 1))])
    return CameraInfo(
        header=header,
        width=camera.size_wh[0],
        height=camera.size_wh[1],
        distortion_model='plumb_bob',
        d=[0.0] * 5,
        k=camera.matrix.ravel().tolist(),
        r=np.eye(3).ravel().tolist(),
        p=projection.ravel().tolist(),
    )


def fix_message(frame: FlightFrame, header: Header) -> NavSatFix:
    """Return the camera's position as latitude, longitude and altitude."""
    return NavSatFix(
        header=header,
        status=NavSatStatus(status=NavSatStatus.STATUS_FIX, service=NavSatStatus.SERVICE_GPS),
        latitude=frame.latitude_deg,
        longitude=frame.longitude_deg,
        altitude=frame.altitude_m,
        position_covariance=(np.eye(3) * _POSITION_VARIANCE_M2).ravel().tolist(),
        position_covariance_type=NavSatFix.COVARIANCE_TYPE_DIAGONAL_KNOWN,
    )


def pose_message(frame: FlightFrame, header: Header) -> PoseStamped:
    """Return the pose of the camera's optical frame in the map frame."""
    position, quaternion = frame.pose_enu
    return PoseStamped(
        header=header,
        pose=Pose(
            position=_point(position),
            orientation=Quaternion(**dict(zip('xyzw', map(float, quaternion), strict=True))),
        ),
    )


def ground_truth_message(frame: FlightFrame, header: Header) -> Detection2DArray:
    """Return the objects in the image: boxes, classes, and an id that an object keeps.

    The position of each result's pose is the object's, in the optical frame of the header.
    """
    count = len(frame.class_ids)
    truth = Detections(
        boxes_xyxy=frame.boxes_xyxy, scores=np.ones(count, np.float32), class_ids=frame.class_ids
    )
    message = detections_message(truth, names=CLASS_NAMES, header=header)
    position, quaternion = frame.pose_enu
    pose = CameraPose(position, Rotation.from_quat(quaternion).as_matrix())
    positions = pose.to_optical(frame.positions_enu)
    for detection, instance_id, position_xyz in zip(
        message.detections, frame.instance_ids, positions, strict=True
    ):
        detection.id = str(instance_id)
        detection.results[0].pose.pose.position = _point(position_xyz)
    return message


def _point(xyz: npt.NDArray[np.float64]) -> Point:
    return Point(**dict(zip('xyz', map(float, xyz), strict=True)))
