# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Where the camera was, as a bag recorded it."""

from __future__ import annotations

import math
import os
from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np

from roof_detector.bags.reader import BagReader
from roof_detector.bags.topics import BagTopic
from roof_detector.export.errors import ExportError
from roof_detector.geo.camera_mount import CameraMount
from roof_detector.geo.camera_track import CameraTrack
from roof_detector.geo.errors import GeoError
from roof_detector.geo.ground import Ground
from roof_detector.geo.lens import Lens
from roof_detector.geo.stamped_series import StampedSeries
from roof_detector.geo.uncertainty import Uncertainty

FIX_TYPES = ('sensor_msgs/msg/NavSatFix',)
POSE_TYPES = (
    'geometry_msgs/msg/PoseStamped',
    'geometry_msgs/msg/PoseWithCovarianceStamped',
    'nav_msgs/msg/Odometry',
    'sensor_msgs/msg/Imu',
)
INFO_TYPES = ('sensor_msgs/msg/CameraInfo',)


def read_track(
    bag: BagReader,
    *,
    image_topic: str,
    ground: Ground,
    mount: CameraMount | None = None,
    uncertainty: Uncertainty | None = None,
    fix_topic: str = '',
    pose_topic: str = '',
    info_topic: str = '',
) -> CameraTrack:
    """Read fixes, poses and the first camera info that go with an image topic.

    Without a name the topic is taken whose name is most like the image topic's. Raises ExportError
    where one is lacking or unusable; the flight then has no places. A fix takes 100 bytes of
    memory, so three hours at 10 Hz take 20 MB with the poses.
    """
    uncertainty = uncertainty or Uncertainty()
    info = _choose(bag, info_topic, INFO_TYPES, what='camera info', image_topic=image_topic)
    fix = _choose(bag, fix_topic, FIX_TYPES, what='fix', image_topic=image_topic)
    pose = _choose(bag, pose_topic, POSE_TYPES, what='pose', image_topic=image_topic)
    if pose.type_name == 'sensor_msgs/msg/Imu' and ground.map_z_m is not None:
        raise ExportError(f'{pose.name} is an IMU and has no z; give the altitude of the roofs.')
    try:
        first_info = next(_contents(bag, info.name), None)
        return CameraTrack(
            places=_places(bag, fix.name, uncertainty),
            attitudes=_attitudes(bag, pose.name, uncertainty),
            lens=_lens(first_info, info.name, rectified='rect' in image_topic),
            ground=ground,
            mount=mount or CameraMount.optical(),
        )
    except GeoError as error:
        raise ExportError(f'{bag.path} gives no places: {error}') from error


def _choose(
    bag: BagReader, wanted: str, types: tuple[str, ...], *, what: str, image_topic: str
) -> BagTopic:
    candidates = [t for t in bag.topics if t.type_name in types and t.message_count]
    if wanted:
        candidates = [topic for topic in candidates if topic.name == wanted]
    if not candidates:
        named = f'topic {wanted} with a {what}' if wanted else f'{what} ({" or ".join(types)})'
        there = ', '.join(f'{topic.name} ({topic.type_name})' for topic in bag.topics) or 'nothing'
        raise ExportError(f'{bag.path} holds no {named}; it holds {there}.')

    def likeness(topic: BagTopic) -> tuple[int, int]:
        shared = os.path.commonpath([topic.name, image_topic or '/'])
        return -len(shared), types.index(topic.type_name)

    return min(candidates, key=likeness)


def _contents(bag: BagReader, topic: str) -> Iterator[Any]:
    for message in bag.messages([topic]):
        yield bag.deserialize(message)


def _lens(info: Any, topic: str, *, rectified: bool) -> Lens:
    if info is None:
        raise GeoError(f'{topic} holds no message.')
    size_wh = int(info.width), int(info.height)
    if rectified:
        return Lens.rectified(size_wh, info.p)
    return Lens(size_wh, info.k, tuple(info.d), info.distortion_model)


def _places(bag: BagReader, topic: str, uncertainty: Uncertainty) -> StampedSeries:
    stamps, numbers = array('q'), array('d')
    assumed = uncertainty.fix_covariance.ravel()
    for fix in _contents(bag, topic):
        place = fix.latitude, fix.longitude, fix.altitude
        if fix.status.status < 0 or not all(map(math.isfinite, place)):
            continue
        covariance = np.asarray(fix.position_covariance, np.float64)
        known = fix.position_covariance_type and np.isfinite(covariance).all()
        stamps.append(_stamp_ns(fix))
        numbers.extend((*place, *(covariance if known else assumed)))
    return StampedSeries.of(stamps, numbers, width=12)


def _attitudes(bag: BagReader, topic: str, uncertainty: Uncertainty) -> StampedSeries:
    stamps, numbers = array('q'), array('d')
    assumed = uncertainty.attitude_covariance
    for message in _contents(bag, topic):
        quaternion, z, covariance = _attitude(message)
        length = float(np.linalg.norm(quaternion))
        if not length > 0.5:
            continue
        known = covariance is not None and np.isfinite(covariance).all() and covariance.any()
        stamps.append(_stamp_ns(message))
        numbers.extend((*(quaternion / length), z, *(covariance if known else assumed).ravel()))
    return StampedSeries.of(stamps, numbers, width=14)


def _attitude(message: Any) -> tuple[Any, float, Any]:
    """Return quaternion x, y, z, w, z in the map, and the covariance (3, 3) where there is one."""
    if hasattr(message, 'orientation'):
        orientation, z = message.orientation, 0.0
        covariance = np.array(message.orientation_covariance, np.float64).reshape(3, 3)
        if covariance[0, 0] == -1:  # sensor_msgs/Imu: the orientation is not given
            return np.zeros(4), 0.0, None
    else:
        pose, covariance = message.pose, None
        if hasattr(pose, 'covariance'):
            covariance = np.array(pose.covariance, np.float64).reshape(6, 6)[3:, 3:]
            pose = pose.pose
        orientation, z = pose.orientation, pose.position.z
    return (
        np.array([orientation.x, orientation.y, orientation.z, orientation.w]),
        float(z),
        covariance,
    )


def _stamp_ns(message: Any) -> int:
    stamp = message.header.stamp
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
