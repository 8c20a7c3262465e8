# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads the track of a camera from the topics of a bag."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import hypot, radians
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.camera_mount import CameraMount
from roof_detector.georeference.camera_track import CameraAttitudes, CameraTrack
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.geoid import with_level_of_camera
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.stamped_series import StampedSeries
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.telemetry.altitude_steps import altitude_step_note
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.recorded_lens import recorded_lens
from roof_detector.telemetry.recorded_series import RecordedSeries, holds_height
from roof_detector.telemetry.topic_choice import FIX_TYPES, ChosenTopics, TopicNames, choose_topics
from roof_detector.telemetry.transformed_attitudes import BodyAttitudes, MapAttitudes

if TYPE_CHECKING:
    from roof_detector.bags.reader import BagReader
    from roof_detector.bags.topics import BagTopic
    from roof_detector.georeference.ground import Ground
    from roof_detector.telemetry.message_clock import MessageClock
    from roof_detector.telemetry.topic_choice import Chosen
    from roof_detector.telemetry.transform_tree import TransformPath, TransformTree

WORLD_FRAMES = ('map', 'odom')
BODY_FRAMES = ('base_link', 'body', 'psdk_base_link')
# A camera whose attitude on the vehicle nobody told looks straight down, as most do.
_ASSUMED_TILT_DEG, _ASSUMED_HEADING_DEG = 10.0, 10.0
# Messages that are stamped at reception came over a bus and a thread that wake when they do.
RECEPTION_SIGMA_S = 0.05
# Of visual or lidar odometry over a flight; a pose's own covariance seldom means anything.
LOCAL_SIGMA_M = 0.3


@dataclass(frozen=True)
class TelemetrySettings:
    """What a person said about the telemetry of a bag; '' and None: to be found.

    `preset` is a name of tables/topics.yaml. `world_frame` is the frame of /tf whose axes are
    east, north, up. `origin` is latitude, longitude and altitude of the origin of a pose's map,
    for bags without a position on Earth.
    """

    preset: str = ''
    names: TopicNames = field(default_factory=TopicNames)
    world_frame: str = ''
    origin: tuple[float, float, float] | None = None


def read_track(
    bag: BagReader,
    *,
    image_topic: str,
    ground: Ground,
    mount: CameraMount | None = None,
    uncertainty: Uncertainty | None = None,
    settings: TelemetrySettings | None = None,
    frame_id: str = '',
    images: MessageClock | None = None,
    notes: list[str] | None = None,
) -> CameraTrack:
    """Read fixes, attitudes and the first camera info that go with an image topic.

    Without a preset or named topics, those of a known preset are used, or the topics whose names
    are most like the image topic's. `frame_id` is the frame of the images, for /tf; `images` their
    clock, which stamps of other clocks are shifted to. Raises TelemetryError where one is missing
    or unusable. Invalid messages are left out; a sentence in `notes` reports how many, and why.
    A fix takes 100 bytes of memory, so three hours at 10 Hz take 20 MB with the poses.
    """
    settings = settings or TelemetrySettings()
    chosen = choose_topics(
        bag.topics,
        bag=str(bag.path),
        image_topic=image_topic,
        preset=settings.preset,
        names=settings.names,
        allows_local=True,
    )
    reader = _TrackReader(bag, chosen, settings, uncertainty or Uncertainty(), images)
    try:
        track = reader.track(
            ground=ground, mount=mount, frame_id=frame_id, rectified='rect' in image_topic
        )
    except GeoError as error:
        msg = f'{bag.path} gives no georeferenced positions: {error}'
        raise TelemetryError(msg) from error
    if notes is not None:
        notes += reader.notes()
    return track


class _TrackReader:
    """Reads the chosen topics, and combines them into a track."""

    def __init__(
        self,
        bag: BagReader,
        chosen: ChosenTopics,
        settings: TelemetrySettings,
        uncertainty: Uncertainty,
        images: MessageClock | None,
    ) -> None:
        self._path = bag.path
        self._chosen = chosen
        self._settings = settings
        self._uncertainty = uncertainty
        self._records = RecordedSeries(bag, images=images)
        self._notes: list[str] = []
        self._sources = {'position': chosen.position[0].name}

    def track(
        self, *, ground: Ground, mount: CameraMount | None, frame_id: str, rectified: bool
    ) -> CameraTrack:
        """Return the track; raise GeoError or TelemetryError where a part is missing."""
        chosen, records = self._chosen, self._records
        self._check_height(ground)
        if chosen.is_local:
            positions = self._local_positions()
        else:
            positions = records.positions(chosen.position, self._uncertainty.fix_covariance)
        attitudes, camera_mount = self._attitudes(ground, mount, frame_id)
        if isinstance(attitudes, StampedSeries) and not chosen.is_local:
            self._check_take_off(positions, attitudes)
        if len(positions.rows) and chosen.position[0].type_name in FIX_TYPES:
            latitude, longitude = map(float, positions.rows[0, :2])
            # NavSatFix counts from the ellipsoid by its definition.
            ground = with_level_of_camera(
                ground,
                is_ellipsoidal=True,
                place=(latitude, longitude),
                notes=self._notes,
            )
        lens = recorded_lens(records, chosen.info.name, rectified=rectified)
        self._sources['lens'] = chosen.info.name
        if chosen.is_found and not chosen.is_of_camera:
            self._notes.append(
                f'The telemetry is that of {chosen.preset.description} (--telemetry '
                f'{chosen.preset.name}): {self._sources_text()}.'
            )
        return CameraTrack(
            positions=positions,
            attitudes=attitudes,
            lens=lens,
            ground=ground,
            mount=camera_mount,
            time_sigma_s=self._time_sigma_s(),
            sources=self._sources,
            is_local=chosen.is_local and self._settings.origin is None,
        )

    def _local_positions(self) -> StampedSeries:
        """Return the positions of poses in their own map, which has its origin on the plane."""
        topic = self._chosen.position[0].name
        if self._settings.origin is None:
            self._notes.append(
                f'The bag does not tell where on Earth the camera was: positions are those of '
                f'{topic}, in metres along the x and y of its map (columns crs_x and crs_y). Give '
                '--origin LATITUDE LONGITUDE ALTITUDE of its origin for a map.'
            )
        else:
            latitude, longitude, altitude = self._settings.origin
            self._notes.append(
                f'Positions are those of {topic} around the origin that was given ({latitude:g}, '
                f'{longitude:g}, {altitude:g} m), whose x is taken as east and y as north.'
            )
        self._notes.append(
            f'The error of {topic} is not known; {LOCAL_SIGMA_M:g} m of each axis are assumed, '
            'without its drift.'
        )
        plane = LocalTangentPlane(*(self._settings.origin or (0.0, 0.0, 0.0)))
        assumed = np.eye(3) * LOCAL_SIGMA_M**2
        return self._records.local_positions(self._chosen.position, plane, assumed)

    def notes(self) -> list[str]:
        """Return what was left out, corrected or assumed, a sentence each."""
        records = self._records
        shifted = [
            f'The clock of {topic} is {abs(offset_s):.2f} s '
            f'{"behind" if offset_s > 0 else "ahead of"} that of the images, as their times of '
            f'reception show, within {2 * sigma_s:.2f} s; its stamps are corrected by that.'
            for topic, (offset_s, sigma_s) in records.offsets_s.items()
        ]
        jittery = [
            f'The stamps of {topic} are those of its reception'
            + (f', and vary by {jitter_s * 1e3:.0f} ms' if jitter_s else '')
            + ': the error of time is taken into the stated error.'
            for topic, jitter_s in records.jitters_s.items()
        ]
        return [*records.notes(), *shifted, *jittery, *self._notes]

    def _check_height(self, ground: Ground) -> None:
        """Raise TelemetryError where the ground is given in the map, and nothing has a z there."""
        attitude = self._chosen.attitude
        if ground.map_z_m is None or attitude is None or self._chosen.height is not None:
            return
        if not holds_height(attitude):
            what = 'an IMU' if attitude[0].type_name.endswith('/Imu') else 'an attitude'
            msg = f'{attitude[0].name} is {what} and has no z; give the altitude of the roofs.'
            raise TelemetryError(msg)

    def _check_take_off(self, positions: StampedSeries, attitudes: StampedSeries) -> None:
        """Note where the height over take-off starts again within the bag."""
        if not attitudes.rows[:, 4].any() or len(attitudes.rows) < 2:
            return
        times_s, heights, altitudes = [], [], []
        for stamp_ns, row in zip(positions.stamps_ns.tolist(), positions.rows, strict=True):
            try:
                heights.append(attitudes.at(stamp_ns, what='height', quaternions=True)[4])
            except GeoError:
                continue
            times_s.append((stamp_ns - int(positions.stamps_ns[0])) / 1e9)
            altitudes.append(row[2])
        step = altitude_step_note(np.array(times_s), np.array(heights), np.array(altitudes))
        self._notes += [f'{self._path.name}: {step}'] if step else []

    def _attitudes(
        self, ground: Ground, mount: CameraMount | None, frame_id: str
    ) -> tuple[StampedSeries | CameraAttitudes, CameraMount]:
        chosen = self._chosen
        tree = self._records.transforms()
        if chosen.attitude is None:
            return self._in_map(tree, frame_id), CameraMount.optical()
        body = self._records.attitudes(chosen.attitude, self._uncertainty.attitude_covariance)
        self._sources['attitude'] = chosen.attitude[0].name
        if chosen.height is not None and not holds_height(chosen.attitude):
            body = self._with_heights(body, chosen.height, ground)
        if mount is not None:
            if chosen.gimbal is not None:
                self._notes.append(
                    f'{chosen.gimbal[0].name} is not used, because the mount of the camera on the '
                    'vehicle is given.'
                )
            return body, mount
        if chosen.gimbal is not None:
            turned = self._on_gimbal(body, chosen.gimbal)
            if turned is not None:
                return turned, CameraMount.on_body(down_deg=0.0)
        by_transforms = self._on_body(body, tree, chosen.attitude[0], frame_id)
        if by_transforms is not None:
            return by_transforms, CameraMount.optical()
        if chosen.is_of_camera:
            return body, CameraMount.optical()
        self._notes.append(
            'Only the attitude of the vehicle is known; the camera is assumed to look straight '
            f'down, within {_ASSUMED_TILT_DEG:g} degrees. Give --mount-down (90: straight down) '
            'if it was fixed so.'
        )
        return with_assumed_mount(body), CameraMount.on_body()

    def _in_map(self, tree: TransformTree, frame_id: str) -> MapAttitudes:
        """Return attitudes by transforms alone."""
        topic = self._records.transform_topic
        if not frame_id:
            msg = (
                f'The images of {self._path} have no frame_id, which {topic} needs; set it in the '
                'camera driver, or name the topic of the pose.'
            )
            raise TelemetryError(msg)
        world = self._settings.world_frame or next(
            (one for one in WORLD_FRAMES if tree.connects(one, frame_id)), ''
        )
        if not world:
            top = tree.ancestors(frame_id)[-1] if frame_id in tree.frames else ''
            found = f'leads only to {top}' if top else f'has {", ".join(tree.frames) or "nothing"}'
            msg = (
                f'{topic} does not connect {frame_id}, the frame of the images, to map or odom; '
                f'it {found}. Name the frame of east, north, up with --world-frame, or the topic '
                'of the pose of the vehicle.'
            )
            raise TelemetryError(msg)
        camera = tree.path(world, frame_id)
        self._sources['attitude'] = f'{topic} ({camera})'
        self._notes.append(
            f'The attitude is that of {topic} ({camera}); x of {world} is taken as east (REP 105).'
        )
        return MapAttitudes(
            camera, self._antenna(tree, world), self._uncertainty.attitude_covariance
        )

    def _antenna(self, tree: TransformTree, target: str) -> TransformPath | None:
        """Return the transforms of the frame of the fix, None where they are unknown.

        A pose without a fix is its own antenna.
        """
        if self._chosen.is_local:
            return tree.path(target, target)
        frame = next(
            (
                str(one.header.frame_id).lstrip('/')
                for one, _ in self._records.messages(self._chosen.position[0].name)
                if hasattr(one, 'header')
            ),
            '',
        )
        return tree.path(target, frame) if frame and tree.connects(target, frame) else None

    def _on_body(
        self, body: StampedSeries, tree: TransformTree, topic: BagTopic, frame_id: str
    ) -> BodyAttitudes | None:
        """Return attitudes of the camera whose transform on the body is known, else None."""
        topic_of_transforms = self._records.transform_topic
        named = self._records.body_frames.get(topic.name, '')
        known = (named,) if named else () if self._chosen.is_of_camera else BODY_FRAMES
        for frame in known:
            if frame_id and frame != frame_id and tree.connects(frame, frame_id):
                camera = tree.path(frame, frame_id)
                self._sources['attitude'] += f' and {topic_of_transforms} ({camera})'
                self._notes.append(
                    f'The mount of the camera is that of {topic_of_transforms} ({camera}).'
                )
                return BodyAttitudes(body, camera, self._antenna(tree, frame))
        return None

    def _on_gimbal(self, body: StampedSeries, chosen: Chosen) -> StampedSeries | None:
        """Return rows (14,) of the camera on a gimbal; None where it writes no angles."""
        series, reason = self._records.gimbal(chosen, body)
        if series is None:
            self._notes.append(f'{reason}, which payloads without angles write; not used.')
            return None
        self._sources['attitude'] = f'{chosen[0].name} and {self._sources["attitude"]}'
        covariance = self._uncertainty.attitude_covariance.ravel()
        rows = []
        stamps = []
        for stamp_ns, quaternion in zip(series.stamps_ns.tolist(), series.rows, strict=True):
            try:
                z = float(body.at(stamp_ns, what='pose', quaternions=True)[4])
            except GeoError:
                self._records.leave_out(chosen[0].name, 'without an attitude of the vehicle')
                continue
            stamps.append(stamp_ns)
            rows.append((*quaternion, z, *covariance))
        return StampedSeries.of(stamps, rows, width=14)

    def _with_heights(self, body: StampedSeries, chosen: Chosen, ground: Ground) -> StampedSeries:
        """Return the attitudes with z of another topic; without it they count only where it is."""
        if ground.map_z_m is None:
            return body
        self._sources['height'] = chosen[0].name
        heights = self._records.heights(chosen)
        rows, stamps = [], []
        for stamp_ns, row in zip(body.stamps_ns.tolist(), body.rows, strict=True):
            try:
                z = float(heights.at(stamp_ns, what='height')[0])
            except GeoError:
                self._records.leave_out(chosen[0].name, 'missing for an attitude')
                continue
            stamps.append(stamp_ns)
            rows.append((*row[:4], z, *row[5:]))
        return StampedSeries.of(stamps, rows, width=14)

    def _time_sigma_s(self) -> float:
        """Return the standard deviation of the time between image and telemetry."""
        records = self._records
        by_clock = max((sigma for _, sigma in records.offsets_s.values()), default=0.0)
        by_reception = max(
            (max(jitter, RECEPTION_SIGMA_S) for jitter in records.jitters_s.values()),
            default=0.0,
        )
        return hypot(self._uncertainty.time_s, by_clock, by_reception)

    def _sources_text(self) -> str:
        return ', '.join(f'{role} from {source}' for role, source in self._sources.items())


def with_assumed_mount(body: StampedSeries) -> StampedSeries:
    """Return the attitudes with the covariance of a mount that nobody told."""
    tilt, heading = radians(_ASSUMED_TILT_DEG), radians(_ASSUMED_HEADING_DEG)
    rows = body.rows.copy()
    rows[:, 5:] += np.diag([tilt**2, tilt**2, heading**2]).ravel()
    return StampedSeries(
        stamps_ns=body.stamps_ns,
        rows=rows,
        max_gap_s=body.max_gap_s,
        max_beyond_s=body.max_beyond_s,
    )
