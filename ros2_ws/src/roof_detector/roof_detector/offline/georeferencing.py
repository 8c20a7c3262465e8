# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The settings that georeference the detections of a recorded flight."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.ground import Ground
from roof_detector.georeference.raster_georeference import RasterGeoreference
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.raster import RasterInput
from roof_detector.inputs.recorded_header import frame_id, stamp_ns
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.image_search import camera_inputs
from roof_detector.offline.manifest import RASTER
from roof_detector.offline.photo_georeferencing import has_photo_positions, photo_track
from roof_detector.offline.video_georeferencing import (
    LogSettings,
    has_video_positions,
    video_track,
)
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.message_clock import MessageClock
from roof_detector.telemetry.recorded_track import TelemetrySettings, read_track
from roof_detector.telemetry.topic_choice import has_local_poses, has_telemetry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from roof_detector.georeference.camera_mount import BodyMount
    from roof_detector.offline.result_bag import ResultBag
    from roof_detector.results.map_features import Track

# Images that are looked at for what their clock is.
_MOST_CLOCKED = 2000
# Without a setting: the height at which z of the recorded poses is 0.
_ASSUMED_GROUND = Ground(map_z_m=0.0)
_GROUND_IS_ASSUMED = (
    'Georeferenced positions are on z = 0 of the recorded pose, which for photos is the take-off '
    'point, because the height of the roofs was not given: objects above it are displaced, by '
    'more than the stated error too. Give the height with --ground-z, --ground-altitude or '
    '--flight-height.'
)


@dataclass(frozen=True, kw_only=True)
class GeoreferenceSettings:
    """The height of the roofs, the mount of the camera, and the topics of its position.

    Without `ground` it is assumed, which `notes` reports. Without `body_mount` the pose is the
    camera's own, or the transforms of a bag tell the mount.
    Photos are georeferenced by their own tags, and with `adjust_photos` adjusted to each other
    first; videos by their subtitles or the `log` of an autopilot, with `focal_35mm` in
    millimetres if these do not hold it.
    """

    ground: Ground | None = None
    body_mount: BodyMount | None = None
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    adjust_photos: bool = True
    focal_35mm: float | None = None
    log: LogSettings = field(default_factory=LogSettings)

    @property
    def has_origin(self) -> bool:
        """Return whether the place on Earth of the origin of poses was given."""
        return self.telemetry.origin is not None

    def tracks(
        self, bag: ResultBag, *, notes: list[str], images: Path | None = None
    ) -> Mapping[str, Track]:
        """Return the camera track of each image topic, or raise ReplayError if unknown.

        An orthophoto has its own place instead, which is in its results. A sentence is added to
        `notes` for each kind of record that was left out.
        """
        raster = _raster_place(bag)
        if raster is not None:
            notes += _raster_notes(raster)
            return dict.fromkeys(bag.image_topics, raster)
        ground = self.ground or _ASSUMED_GROUND
        mount = self.body_mount.camera_mount() if self.body_mount else None
        try:
            _check_raster(bag, images)
            _ = ground.model  # one that cannot be used is refused before anything is read
            photos = photo_track(
                bag,
                images=images,
                ground=ground,
                adjusted=self.adjust_photos,
                notes=notes,
                log=self.log.path,
                mount=mount,
                focal_35mm=self.focal_35mm,
            )
            if photos is not None:
                notes += self._ground_notes()
                return dict.fromkeys(bag.image_topics, photos)
            video = video_track(
                bag,
                images=images,
                ground=ground,
                mount=mount,
                focal_35mm=self.focal_35mm,
                notes=notes,
                log=self.log,
            )
            if video is not None:
                notes += self._ground_notes()
                return dict.fromkeys(bag.image_topics, video)
            tracks: dict[str, Track] = {
                topic: read_track(
                    bag.reader,
                    image_topic=topic,
                    ground=ground,
                    mount=mount,
                    settings=self.telemetry,
                    frame_id=of_camera,
                    images=clock,
                    notes=notes,
                )
                for topic in bag.image_topics
                for of_camera, clock in [_images_of(bag, topic)]
            }
            notes += self._ground_notes()
            return tracks
        except (TelemetryError, BagError, GeoError) as error:
            msg = f'The positions are not known: {error}'
            raise ReplayError(msg) from error

    def _ground_notes(self) -> list[str]:
        """Return notes for the reader of the georeferenced positions."""
        if self.ground is None:
            return [_GROUND_IS_ASSUMED]
        model = self.ground.model
        if model is None:
            return []
        reference = model.vertical_reference
        return [
            f'Rays are cast on {self.ground.surface}, whose heights count from '
            + (reference or 'a level that it does not name')
            + f', raised by {self.ground.raised_m:g} m; the altitude of the camera has to count '
            'from the same level (--geoid-height).'
        ]


def can_georeference(
    bag: ResultBag, *, images: Path | None = None, has_origin: bool = False
) -> bool:
    """Return whether a bag holds fixes and poses of the camera, or is of images that do.

    With `has_origin`, the origin of the poses' own map was given, and they are enough.
    """
    try:
        if _raster_place(bag) is not None:
            return True
    except ReplayError:
        return False
    return (
        has_telemetry(bag.reader.topics)
        or (has_origin and has_local_poses(bag.reader.topics))
        or has_photo_positions(bag, images=images)
        or has_video_positions(bag, images=images)
    )


def _images_of(bag: ResultBag, topic: str) -> tuple[str, MessageClock]:
    """Return the frame_id of an image topic's images, and the clock of their stamps.

    Results have the header of their image, and were received with it.
    """
    found, clock = '', MessageClock()
    results = bag.reader.messages([bag.detections_topic(topic)])
    for message in islice(results, _MOST_CLOCKED):
        try:
            clock.add(stamp_ns(message.data), message.log_time_ns)
            found = found or frame_id(message.data).lstrip('/')
        except InputError:
            continue
    return found, clock


def _check_raster(bag: ResultBag, images: Path | None) -> None:
    """Raise TelemetryError, with the reason, for results of an image without a place on a map."""
    (topic, *more) = bag.image_topics or ('',)
    found = None if more else next(camera_inputs((bag,), topic, images=images), None)
    if found is None:
        return
    with closing(found):
        if isinstance(found, RasterInput):
            msg = f'{found.path} has no place on a map: {found.raster.why_unplaced}.'
            raise TelemetryError(msg)


def _raster_place(bag: ResultBag) -> RasterGeoreference | None:
    """Return the place of an orthophoto, None for results of other inputs."""
    text = bag.manifest.get(RASTER)
    if text is None:
        return None
    try:
        return RasterGeoreference.read(text)
    except GeoError as error:
        raise ReplayError(str(error)) from error


def _raster_notes(place: RasterGeoreference) -> list[str]:
    """Return sentences on how far positions in an orthophoto can be trusted."""
    notes = []
    if place.error_m is None:
        notes.append(
            'The error of the positions is that of the raster, which it does not state; error_m '
            'is left empty.'
        )
    if place.accuracy_m:
        notes.append(
            f'Positions were converted from {place.crs_name} to WGS 84, which may be off by '
            f'{place.accuracy_m:g} m.'
        )
    return notes
