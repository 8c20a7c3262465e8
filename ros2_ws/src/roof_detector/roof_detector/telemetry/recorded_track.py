# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the track of a camera from the fixes, poses and camera infos of a bag."""

from __future__ import annotations

import math
import os
from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from roof_detector.bags.errors import BagError
from roof_detector.georeference.camera_mount import CameraMount
from roof_detector.georeference.camera_track import CameraTrack
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.lens import Lens
from roof_detector.georeference.stamped_series import StampedSeries
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.telemetry.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roof_detector.bags.reader import BagReader
    from roof_detector.bags.topics import BagTopic
    from roof_detector.georeference.ground import Ground

FIX_TYPES = ('sensor_msgs/msg/NavSatFix',)
POSE_TYPES = (
    'geometry_msgs/msg/PoseStamped',
    'geometry_msgs/msg/PoseWithCovarianceStamped',
    'nav_msgs/msg/Odometry',
    'sensor_msgs/msg/Imu',
)
INFO_TYPES = ('sensor_msgs/msg/CameraInfo',)
_LONGEST_QUATERNION = 2.0
_HIGHEST_M = 100_000.0


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
    notes: list[str] | None = None,
) -> CameraTrack:
    """Read fixes, poses and the first camera info that go with an image topic.

    Without a name, the topic whose name is most like the image topic's is used. Raises
    TelemetryError where one is missing or unusable. Invalid records are left out; a sentence in
    `notes` reports how many, and why. A fix takes 100 bytes of memory, so three hours at 10 Hz
    take 20 MB with the poses.
    """
    left_out: dict[str, Counter[str]] = {}
    uncertainty = uncertainty or Uncertainty()
    info = _choose(bag, info_topic, INFO_TYPES, what='camera info', image_topic=image_topic)
    fix = _choose(bag, fix_topic, FIX_TYPES, what='fix', image_topic=image_topic)
    pose = _choose(bag, pose_topic, POSE_TYPES, what='pose', image_topic=image_topic)
    if pose.type_name == 'sensor_msgs/msg/Imu' and ground.map_z_m is not None:
        msg = f'{pose.name} is an IMU and has no z; give the altitude of the roofs.'
        raise TelemetryError(msg)
    try:
        records = _Records(bag, left_out)
        track = CameraTrack(
            positions=_positions(records, fix.name, uncertainty),
            attitudes=_attitudes(records, pose.name, uncertainty),
            lens=_lens(records, info.name, rectified='rect' in image_topic),
            ground=ground,
            mount=mount or CameraMount.optical(),
        )
    except GeoError as error:
        msg = f'{bag.path} gives no georeferenced positions: {error}'
        raise TelemetryError(msg) from error
    if notes is not None:
        for topic, causes in left_out.items():
            counts = ', '.join(f'{count} {cause}' for cause, count in sorted(causes.items()))
            notes.append(f'Georeferencing leaves out messages of {topic}: {counts}.')
    return track


def _choose(
    bag: BagReader, wanted: str, types: tuple[str, ...], *, what: str, image_topic: str
) -> BagTopic:
    candidates = [t for t in bag.topics if t.type_name in types and t.message_count]
    if wanted:
        candidates = [topic for topic in candidates if topic.name == wanted]
    if not candidates:
        named = f'topic {wanted} with a {what}' if wanted else f'{what} ({" or ".join(types)})'
        there = ', '.join(f'{topic.name} ({topic.type_name})' for topic in bag.topics) or 'nothing'
        msg = f'{bag.path} holds no {named}; it holds {there}.'
        raise TelemetryError(msg)

    def likeness(topic: BagTopic) -> tuple[int, int]:
        shared = os.path.commonpath([f'/{topic.name}', f'/{image_topic}'])
        return -len(shared), types.index(topic.type_name)

    return min(candidates, key=likeness)


class _Records:
    """The messages of a bag's topics; those that cannot be used are counted."""

    def __init__(self, bag: BagReader, left_out: dict[str, Counter[str]]) -> None:
        self._bag = bag
        self._left_out = left_out

    def of(self, topic: str) -> Iterator[Any]:
        """Yield the messages that can be read."""
        for message in self._bag.messages([topic]):
            try:
                yield self._bag.deserialize(message)
            except BagError:
                self.leave_out(topic, 'damaged')

    def leave_out(self, topic: str, cause: str) -> None:
        """Count a message that is not used."""
        self._left_out.setdefault(topic, Counter())[cause] += 1


def _lens(records: _Records, topic: str, *, rectified: bool) -> Lens:
    """Return the lens of the first valid calibration."""
    first: tuple[Any, Lens] | None = None
    reason = f'{topic} holds no message that can be read.'
    for info in records.of(topic):
        try:
            if first is None:
                first = info, _lens_of(info, rectified=rectified)
            elif not _same_calibration(info, first[0]):
                records.leave_out(topic, 'of another calibration than the first')
        except GeoError as error:
            reason = str(error)
            records.leave_out(topic, 'not calibrated')
    if first is None:
        raise GeoError(reason)
    return first[1]


def _lens_of(info: Any, *, rectified: bool) -> Lens:
    size_wh = int(info.width), int(info.height)
    lens = (
        Lens.rectified(size_wh, info.p)
        if rectified
        else Lens(
            size_wh=size_wh, matrix=info.k, distortion=tuple(info.d), model=info.distortion_model
        )
    )
    region = info.roi
    if region.width and region.height:
        lens = lens.cropped(
            (int(region.x_offset), int(region.y_offset)), (int(region.width), int(region.height))
        )
    binning = max(1, int(info.binning_x)), max(1, int(info.binning_y))
    return lens if binning == (1, 1) else lens.binned(binning)


def _same_calibration(one: Any, other: Any) -> bool:
    def facts(info: Any) -> tuple[object, ...]:
        region = info.roi
        return (
            *(info.width, info.height, info.distortion_model, tuple(info.d), tuple(info.k)),
            *(tuple(info.p), info.binning_x, info.binning_y),
            *(region.x_offset, region.y_offset, region.width, region.height),
        )

    return facts(one) == facts(other)


def _positions(records: _Records, topic: str, uncertainty: Uncertainty) -> StampedSeries:
    stamps, numbers = array('q'), array('d')
    assumed = uncertainty.fix_covariance.ravel()
    for fix in records.of(topic):
        position = fix.latitude, fix.longitude, fix.altitude
        if fix.status.status < 0:
            records.leave_out(topic, 'without a fix')
            continue
        if not _is_on_earth(*position):
            records.leave_out(topic, 'not a position on Earth')
            continue
        if not _has_stamp(fix):
            records.leave_out(topic, 'without a stamp')
            continue
        covariance = np.asarray(fix.position_covariance, np.float64)
        known = fix.position_covariance_type and _is_covariance(covariance.reshape(3, 3))
        stamps.append(_stamp_ns(fix))
        numbers.extend((*position, *(covariance if known else assumed)))
    return StampedSeries.of(stamps, numbers, width=12)


def _attitudes(records: _Records, topic: str, uncertainty: Uncertainty) -> StampedSeries:
    stamps, numbers = array('q'), array('d')
    assumed = uncertainty.attitude_covariance
    for message in records.of(topic):
        quaternion, z, covariance = _attitude(message)
        length = float(np.linalg.norm(quaternion))
        if not (0.5 < length < _LONGEST_QUATERNION and math.isfinite(z)):
            records.leave_out(topic, 'not an attitude')
            continue
        if not _has_stamp(message):
            records.leave_out(topic, 'without a stamp')
            continue
        known = covariance is not None and covariance.any() and _is_covariance(covariance)
        stamps.append(_stamp_ns(message))
        numbers.extend((*(quaternion / length), z, *(covariance if known else assumed).ravel()))
    return StampedSeries.of(stamps, numbers, width=14)


def _is_on_earth(latitude: float, longitude: float, altitude: float) -> bool:
    """Return whether a fix is within degrees, and no lower or higher than anything flies."""
    return abs(latitude) <= 90 and abs(longitude) <= 360 and abs(altitude) <= _HIGHEST_M


def _has_stamp(message: Any) -> bool:
    stamp = message.header.stamp
    return bool(stamp.sec >= 0 and stamp.nanosec < 1_000_000_000 and (stamp.sec or stamp.nanosec))


def _is_covariance(matrix: Any) -> bool:
    """Return whether a matrix (3, 3) is of finite numbers and has no negative variance."""
    return bool(np.isfinite(matrix).all() and (np.diag(matrix) >= 0).all())


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
