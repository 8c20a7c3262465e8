# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Where a camera is during a flight, combined from live telemetry at the stamp of an image."""

from __future__ import annotations

import time
from math import hypot
from typing import TYPE_CHECKING

from roof_detector.georeference.camera_mount import CameraMount
from roof_detector.georeference.camera_track import CameraTrack
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.stamped_series import StampedSeries
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.gimbal_attitudes import GimbalAttitudes, is_all_zero
from roof_detector.telemetry.live_transforms import is_path_around
from roof_detector.telemetry.recorded_series import holds_height
from roof_detector.telemetry.recorded_track import (
    BODY_FRAMES,
    RECEPTION_SIGMA_S,
    WORLD_FRAMES,
    with_assumed_mount,
)
from roof_detector.telemetry.topic_presets import type_fields
from roof_detector.telemetry.transformed_attitudes import BodyAttitudes, MapAttitudes

if TYPE_CHECKING:
    from roof_detector.georeference.camera_fix import CameraFix
    from roof_detector.georeference.camera_track import CameraAttitudes
    from roof_detector.georeference.ground import Ground
    from roof_detector.georeference.lens import Lens
    from roof_detector.georeference.uncertainty import Uncertainty
    from roof_detector.telemetry.live_series import LiveSeries
    from roof_detector.telemetry.live_telemetry import LiveTelemetry
    from roof_detector.telemetry.topic_choice import Chosen, ChosenTopics
    from roof_detector.telemetry.transform_tree import TransformPath

_MARGIN_NS = 110_000_000  # the motion of a camera is taken over 0.1 s before and after an image
_GAP_NS = 1_000_000_000
_BODY_MARGIN_NS = 1_200_000_000
_HABITS_S = 5.0  # how often it is looked at whether a gimbal tells its angles at all
_MOST_HABITS = 100


class LiveCamera:
    """The fix of one camera at any stamp of the last seconds, by the rules of `read_track`.

    `frame_id` is the frame of its images, which /tf is looked up for. Raises TelemetryError where
    the chosen topics cannot give a height over the ground.
    """

    def __init__(
        self,
        telemetry: LiveTelemetry,
        chosen: ChosenTopics,
        *,
        ground: Ground,
        mount: CameraMount | None,
        uncertainty: Uncertainty,
        world_frame: str = '',
        is_rectified: bool = False,
    ) -> None:
        self.chosen = chosen
        self.frame_id = ''
        self.notes: dict[str, None] = {}
        self._telemetry = telemetry
        self._ground = ground
        self._mount = mount
        self._uncertainty = uncertainty
        self._world_frame = world_frame
        self._is_rectified = is_rectified
        self._check_height()
        self._position = telemetry.expect(chosen.position, 'position')
        self._attitude = self._expect(chosen.attitude, 'attitude')
        takes_height = chosen.attitude is not None and not holds_height(chosen.attitude)
        takes_height &= ground.map_z_m is not None
        self._height = self._expect(chosen.height if takes_height else None, 'height')
        self._gimbal = self._expect(None if mount else chosen.gimbal, 'gimbal')
        self._habits_s = float('-inf')
        self._has_angles = self._is_stuck = False
        self._sources = {'position': chosen.position[0].name, 'lens': chosen.info.name}
        if chosen.attitude is not None:
            self._sources['attitude'] = chosen.attitude[0].name

    @property
    def lens(self) -> Lens | None:
        """Return the lens of the newest CameraInfo, None before the first."""
        return self._telemetry.lenses.get((self.chosen.info.name, self._is_rectified))

    def is_ready(self, stamp_ns: int) -> bool:
        """Return whether every value is known before and after a stamp."""
        if self.lens is None:
            return False
        with self._telemetry.lock:
            for series in (self._position, self._attitude, self._height, self._gimbal):
                if series is not None and not series.is_around(stamp_ns, within_ns=_GAP_NS):
                    return False
            try:
                paths = self._paths()
            except TelemetryError:
                return False
            return all(is_path_around(path, stamp_ns) for path in paths if path is not None)

    def at(self, stamp_ns: int, *, size_wh: tuple[int, int] | None = None) -> CameraFix:
        """Return the fix of an image; raise GeoError, in a sentence for people, without one."""
        lens = self.lens
        if lens is None:
            msg = f'No camera info that can be used has come on {self.chosen.info.name}.'
            raise GeoError(msg)
        with self._telemetry.lock:
            try:
                attitudes, mount = self._attitudes(stamp_ns)
            except TelemetryError as error:
                raise GeoError(str(error)) from error
            positions = self._position.window(stamp_ns - _MARGIN_NS, stamp_ns + _MARGIN_NS)
            track = CameraTrack(
                positions=positions,
                attitudes=attitudes,
                lens=lens,
                ground=self._ground,
                mount=mount,
                time_sigma_s=self._time_sigma_s(),
                sources=self._sources,
            )
            return track.at(stamp_ns, size_wh=size_wh or lens.size_wh)

    def place_at(self, stamp_ns: int) -> tuple[float, float, float] | None:
        """Return where in its map the pose is, in metres; None where no message tells."""
        if self.chosen.attitude is None:
            return None
        with self._telemetry.lock:
            places = self._telemetry.places(self.chosen.attitude[0].name)
            try:
                found = places.window(stamp_ns, stamp_ns).at(stamp_ns, what='pose').tolist()
            except GeoError:
                return None
        return found[0], found[1], found[2]

    def _expect(self, chosen: Chosen | None, role: str) -> LiveSeries | None:
        return None if chosen is None else self._telemetry.expect(chosen, role)

    def _check_height(self) -> None:
        attitude = self.chosen.attitude
        if self._ground.map_z_m is None or attitude is None or self.chosen.height is not None:
            return
        if not holds_height(attitude):
            msg = (
                f'{attitude[0].name} ({attitude[0].type_name}) has no z, and no topic tells the '
                'height; give the altitude of the roofs with ground_reference and ground_m.'
            )
            raise TelemetryError(msg)

    def _attitudes(self, stamp_ns: int) -> tuple[StampedSeries | CameraAttitudes, CameraMount]:
        camera, antenna = self._paths()
        if self._attitude is None:
            assert camera is not None
            covariance = self._uncertainty.attitude_covariance
            return MapAttitudes(camera, antenna, covariance), CameraMount.optical()
        margin_ns = _BODY_MARGIN_NS if self._gimbal is not None else _MARGIN_NS
        body = self._attitude.window(stamp_ns - margin_ns, stamp_ns + margin_ns)
        if self._height is not None:
            body = self._with_heights(body, self._height)
        if self._mount is not None:
            return body, self._mount
        if self._gimbal is not None and self._tells_angles(self._gimbal):
            turned = self._on_gimbal(stamp_ns, self._gimbal, body)
            return turned, CameraMount.on_body(down_deg=0.0)
        if camera is not None:
            return BodyAttitudes(body, camera, antenna), CameraMount.optical()
        if self.chosen.is_of_camera:
            return body, CameraMount.optical()
        self.notes[
            'Only the attitude of the vehicle is known; the camera is assumed to look straight '
            'down, within 10 degrees. Give mount_down_deg if it was fixed so.'
        ] = None
        return with_assumed_mount(body), CameraMount.on_body()

    def _paths(self) -> tuple[TransformPath | None, TransformPath | None]:
        """Return the transforms of the camera and the antenna, None where they do not count."""
        transforms, attitude = self._telemetry.transforms, self.chosen.attitude
        if attitude is None:
            return self._paths_in_map()
        if self._mount is not None or not len(transforms) or not self.frame_id:
            return None, None
        tree = transforms.tree()
        named = self._telemetry.body_frames.get(attitude[0].name, '')
        known = (named,) if named else () if self.chosen.is_of_camera else BODY_FRAMES
        for frame in known:
            if frame != self.frame_id and tree.connects(frame, self.frame_id):
                return tree.path(frame, self.frame_id), self._antenna(frame)
        return None, None

    def _paths_in_map(self) -> tuple[TransformPath, TransformPath | None]:
        tree, frame_id = self._telemetry.transforms.tree(), self.frame_id
        if not frame_id:
            msg = 'The detections have no frame_id, which /tf needs; set it in the camera driver.'
            raise TelemetryError(msg)
        world = self._world_frame or next(
            (one for one in WORLD_FRAMES if tree.connects(one, frame_id)), ''
        )
        if not world:
            msg = (
                f'/tf does not connect {frame_id}, the frame of the images, to map or odom; name '
                'the frame of east, north, up with world_frame.'
            )
            raise TelemetryError(msg)
        return tree.path(world, frame_id), self._antenna(world)

    def _antenna(self, target: str) -> TransformPath | None:
        frame = self._telemetry.frames.get(self.chosen.position[0].name, '')
        tree = self._telemetry.transforms.tree()
        return tree.path(target, frame) if frame and tree.connects(target, frame) else None

    def _with_heights(self, body: StampedSeries, series: LiveSeries) -> StampedSeries:
        rows, stamps = [], []
        begin_ns, end_ns = (
            (int(one) for one in body.stamps_ns[[0, -1]]) if len(body.rows) else (0, 0)
        )
        heights = series.window(begin_ns, end_ns)
        for stamp_ns, row in zip(body.stamps_ns.tolist(), body.rows, strict=True):
            try:
                z = float(heights.at(stamp_ns, what='height')[0])
            except GeoError:
                continue
            stamps.append(stamp_ns)
            rows.append((*row[:4], z, *row[5:]))
        return StampedSeries.of(stamps, rows, width=14)

    def _tells_angles(self, series: LiveSeries) -> bool:
        """Return whether a gimbal tells angles, looked at now and then over the last seconds."""
        now_s = time.monotonic()
        newest_ns = series.newest_ns
        if newest_ns is None or now_s - self._habits_s < _HABITS_S:
            return self._has_angles
        self._habits_s = now_s
        raw = _thinned(series.window(0, newest_ns))
        assert self.chosen.gimbal is not None and self._attitude is not None
        name = self.chosen.gimbal[0].name
        self._has_angles = bool(len(raw.rows)) and not is_all_zero(raw.rows)
        if not self._has_angles:
            self.notes[f'All gimbal angles of {name} are zero; they are not used.'] = None
            return False
        body = self._attitude.window(int(raw.stamps_ns[0]), newest_ns)
        gimbal = GimbalAttitudes(name, frames=self._gimbal_frames())
        self._is_stuck = gimbal.is_yaw_stuck(raw, body)
        self.notes |= dict.fromkeys(gimbal.remarks)
        return True

    def _gimbal_frames(self) -> str:
        assert self.chosen.gimbal is not None
        topic, source = self.chosen.gimbal
        fields = {**type_fields(topic.type_name)['gimbal'], **source.fields}
        return str(fields.get('frames', ''))

    def _on_gimbal(self, stamp_ns: int, series: LiveSeries, body: StampedSeries) -> StampedSeries:
        """Return rows (14,) of the camera on a gimbal."""
        assert self.chosen.gimbal is not None
        raw = series.window(stamp_ns - _MARGIN_NS, stamp_ns + _MARGIN_NS)
        gimbal = GimbalAttitudes(self.chosen.gimbal[0].name, frames=self._gimbal_frames())
        turned = gimbal.oriented(raw, body, is_stuck=self._is_stuck)
        covariance = self._uncertainty.attitude_covariance.ravel()
        rows, stamps = [], []
        for one_ns, quaternion in zip(turned.stamps_ns.tolist(), turned.rows, strict=True):
            try:
                z = float(body.at(one_ns, what='pose', quaternions=True)[4])
            except GeoError:
                continue
            stamps.append(one_ns)
            rows.append((*quaternion, z, *covariance))
        return StampedSeries.of(stamps, rows, width=14)

    def _time_sigma_s(self) -> float:
        """Return the standard deviation of the time between image and telemetry."""
        chosen = [self.chosen.position, self.chosen.attitude, self.chosen.gimbal]
        at_reception = any(
            one is not None
            and (
                one[1].stamped == 'reception'
                or type_fields(one[0].type_name).get('stamp') == 'reception'
            )
            for one in chosen
        )
        return hypot(self._uncertainty.time_s, RECEPTION_SIGMA_S if at_reception else 0.0)


def _thinned(series: StampedSeries) -> StampedSeries:
    step = max(1, len(series.rows) // _MOST_HABITS)
    return StampedSeries(stamps_ns=series.stamps_ns[::step], rows=series.rows[::step])
