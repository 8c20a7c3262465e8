# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The sightings of a result bag, frame by frame, with tracks and places."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.bags.errors import BagError
from roof_detector.findings.flight_segments import PhotoParts, first_of_most, first_sure_ns
from roof_detector.findings.ground_view import ErrorSplit, frame_sightings, mask_areas
from roof_detector.findings.raster_view import raster_origin, raster_sigma_m, raster_view
from roof_detector.findings.sightings import FrameReference, FrameSightings
from roof_detector.findings.tracked_stream import TrackedStream, part_name, without_numbers
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.raster_georeference import RasterGeoreference
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.image_files import ImageFilesInput
from roof_detector.inputs.raster import RasterInput
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.frame_quality import StreamSharpness, network_reduction
from roof_detector.offline.georeferencing import GeoreferenceSettings, can_georeference
from roof_detector.offline.image_search import camera_inputs, images_of
from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from roof_detector.georeference.camera_fix import CameraFix
    from roof_detector.georeference.camera_track import CameraFixes
    from roof_detector.offline.frame_images import FrameImages
    from roof_detector.offline.result_bag import ResultBag
    from roof_detector.vision.frame_findings import FrameFindings

# Of so many fixes over a recording the one that most others are near is its origin.
_COMPARED_FIXES = 100
# So many frames with a fix tell whether the first ones are wrong.
_FIRST_FIXES = 50


@dataclass(kw_only=True)
class InspectionCounts:
    """What a result bag held: frames, those without a place by reason, and notes."""

    frames: int = 0
    detections: int = 0
    unplaced: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def sentences(self, name: str) -> list[str]:
        """Return the notes, with how many frames have no place and why."""
        found = list(self.notes)
        if self.unplaced:
            reasons = sorted(self.unplaced.items(), key=lambda item: (-item[1], item[0]))
            listed = ' '.join(f'{reason} ({count} frames)' for reason, count in reasons[:3])
            found.append(
                f'{sum(self.unplaced.values())} of {self.frames} frames of {name} have no place: '
                f'{listed}'
            )
        return found


class InspectionFrames:
    """Reads a result bag, or the bag of a flight with its detections, for the register.

    `flight` names it in the register; a part of it whose positions have another error gets a name
    of its own. Tracks follow the ground where the telemetry gives it, else the image's flow.
    """

    def __init__(
        self,
        bag: ResultBag,
        *,
        flight: str,
        georeferencing: GeoreferenceSettings,
        images: Path | None = None,
        split: ErrorSplit | None = None,
    ) -> None:
        self._bag = bag
        self.flight = flight
        self._images = images
        self._split = split or ErrorSplit()
        self.counts = InspectionCounts()
        self._rasters: dict[str, RasterGeoreference] = {}
        self._tracks = self._camera_tracks(georeferencing)
        self._frames_of_topics: dict[str, list[tuple[int, tuple[int, int]]]] = {}
        self.origin = self._own_origin()
        self._streams: dict[str, TrackedStream] = {}
        self._sharpness: dict[str, StreamSharpness] = {}

    @property
    def manifest(self) -> Mapping[str, str]:
        """Return the manifest of the bag."""
        return self._bag.manifest

    def __iter__(self) -> Iterator[FrameSightings]:
        with ExitStack() as stack:
            images = self._images_of_topics(stack)
            is_photos = any(isinstance(one.source, ImageFilesInput) for one in images.values())
            photo_parts = self._photo_parts() if is_photos and self._tracks else None
            for frame in self._bag.frames():
                findings = frame.findings
                if findings is None:
                    found = images.get(frame.record.topic)
                    if found is not None:
                        found.skip(frame.record)
                    continue
                self.counts.frames += 1
                self.counts.detections += len(findings.detections)
                raster = self._rasters.get(findings.topic)
                if raster is not None:
                    yield self._on_raster(findings, raster)
                    continue
                stream = self._streams.get(findings.topic)
                if stream is None:
                    stream = self._stream(findings.topic, timed=not is_photos)
                    self._streams[findings.topic] = stream
                fix, part = self._fix(findings, stream)
                if photo_parts is not None and fix is not None:
                    part = photo_parts.part_of(_clock_ns(findings))
                tracks = np.zeros(len(findings.detections), np.int64)
                if not is_photos:
                    tracks = self._track(stream, findings, fix, images.get(findings.topic))
                yield frame_sightings(
                    self._reference(findings, part),
                    findings.detections,
                    size_wh=findings.size_wh,
                    track_ids=tracks,
                    fix=fix,
                    origin=self.origin,
                    split=self._split,
                    reduction=network_reduction(self._bag.manifest, findings.size_wh),
                    sharpness=self._sharpness.setdefault(findings.topic, StreamSharpness()).of(
                        findings, fix, images.get(findings.topic), self.origin
                    ),
                )
        for stream in self._streams.values():
            segments = stream.segments
            if segments is not None and (segments.jumped or segments.too_far):
                self.counts.notes.append(
                    f'{segments.jumped} fixes of {self.flight} jump and {segments.too_far} are '
                    'more than 20 km from the others; their frames have no place.'
                )

    def _on_raster(self, findings: FrameFindings, place: RasterGeoreference) -> FrameSightings:
        """Return the sightings in an orthophoto, each an object of its own."""
        found, ground = findings.detections, None
        try:
            if self.origin is not None:
                ground = raster_view(
                    place,
                    found.boxes_xyxy,
                    mask_areas_px=mask_areas(found),
                    size_wh=findings.size_wh,
                    origin=self.origin,
                    split=self._split,
                )
        except GeoError as error:
            self.counts.unplaced[without_numbers(str(error))] += 1
        return FrameSightings(
            frame=self._reference(findings, 0),
            size_wh=findings.size_wh,
            boxes_xyxy=found.boxes_xyxy,
            class_ids=found.class_ids,
            confidences=found.scores,
            track_ids=np.zeros(len(found), np.int64),
            ground=ground,
        )

    def _reference(self, findings: FrameFindings, part: int) -> FrameReference:
        return FrameReference(
            flight=part_name(self.flight, part),
            source=findings.source,
            topic=findings.topic,
            index=findings.index,
            name=findings.name,
            stamp_ns=findings.stamp_ns,
        )

    def _camera_tracks(self, georeferencing: GeoreferenceSettings) -> Mapping[str, CameraFixes]:
        try:
            if not can_georeference(
                self._bag, images=self._images, has_origin=georeferencing.has_origin
            ):
                self.counts.notes.append(
                    f'{self.flight} has no positions of the camera, so its findings have no '
                    'place; each is a track or a detection of one image.'
                )
                return {}
            tracks = georeferencing.tracks(self._bag, notes=self.counts.notes, images=self._images)
        except (ReplayError, BagError, InputError) as error:
            self.counts.notes.append(f'The findings of {self.flight} have no place: {error}')
            return {}
        cameras: dict[str, CameraFixes] = {}
        for topic, track in tracks.items():
            if isinstance(track, RasterGeoreference):
                self._rasters[topic] = track
                self.counts.notes += [_raster_note(self.flight, track)]
            else:
                cameras[topic] = track
        return cameras

    @property
    def frame_count(self) -> int:
        """Return how many frames may have a place."""
        return sum(map(len, self._frames_of_topics.values()))

    def _own_origin(self) -> LocalTangentPlane | None:
        """Return a camera position of the bag, on the ground.

        It is the first one near most of those over the whole recording: fixes far off, however
        many there are at the beginning, would cost all others their place.
        """
        if not self._tracks and not self._rasters:
            return None
        for frame in self._bag.frames():
            findings = frame.findings
            if findings is None:
                continue
            raster = self._rasters.get(frame.record.topic)
            if raster is not None:
                latitude, longitude = raster_origin(raster, findings.size_wh)
                if np.isfinite([latitude, longitude]).all():
                    return LocalTangentPlane(latitude, longitude, 0.0)
            if frame.record.topic in self._tracks:
                known = self._frames_of_topics.setdefault(frame.record.topic, [])
                known.append((findings.stamp_ns, findings.size_wh))
        found: list[LocalTangentPlane] = []
        share = max(_COMPARED_FIXES // max(len(self._frames_of_topics), 1), 1)
        for topic, frames in self._frames_of_topics.items():
            step = -(-len(frames) // share)
            for fix in self._fixes_of(topic, frames[::step]):
                with suppress(GeoError):  # a pole, where there is no east
                    found.append(
                        LocalTangentPlane(
                            fix.latitude_deg, fix.longitude_deg, fix.altitude_m - fix.height_m
                        )
                    )
        return found[first_of_most(found, [1] * len(found))] if found else None

    def _fixes_of(
        self, topic: str, frames: Iterable[tuple[int, tuple[int, int]]]
    ) -> Iterator[CameraFix]:
        """Yield the fixes of frames, given by stamp and size, that have one."""
        for stamp_ns, size_wh in frames:
            with suppress(GeoError):
                yield self._tracks[topic].at(stamp_ns, size_wh=size_wh)

    def _stream(self, topic: str, *, timed: bool) -> TrackedStream:
        """Return the stream of a topic, which knows the fixes at its beginning that are wrong."""
        begin_ns = None
        if timed and self.origin is not None:
            fixes = self._fixes_of(topic, self._frames_of_topics.get(topic, ()))
            begin_ns = first_sure_ns(islice(fixes, _FIRST_FIXES), self.origin)
        return TrackedStream(timed=timed, begin_ns=begin_ns)

    def _fix(self, findings: FrameFindings, stream: TrackedStream) -> tuple[CameraFix | None, int]:
        """Return the fix of a frame, None without one, and its part of the flight."""
        track = self._tracks.get(findings.topic)
        if track is None:
            return None, 0
        try:
            fix = track.at(findings.stamp_ns, size_wh=findings.size_wh)
        except GeoError as error:
            self.counts.unplaced[without_numbers(str(error))] += 1
            return None, 0
        if self.origin is None:  # a pole, where there is no east
            self.counts.unplaced['The position is none from which metres can be counted.'] += 1
            return None, 0
        part = stream.part_of(fix, self.origin)
        if part is None:
            self.counts.unplaced['The position jumps, or is far from all others.'] += 1
            return None, 0
        return fix, part

    def _photo_parts(self) -> PhotoParts:
        """Return the parts of a flight of photos; results of older versions have no times."""
        found = (frame.findings for frame in self._bag.frames())
        times = (_clock_ns(findings) for findings in found if findings is not None)
        return PhotoParts(time_ns for time_ns in times if time_ns is not None)

    def _images_of_topics(self, stack: ExitStack) -> dict[str, FrameImages]:
        """Return the images of each topic, which tracks need where there is no telemetry."""
        found: dict[str, FrameImages] = {}
        for topic in self._bag.image_topics:
            source = next(camera_inputs((self._bag,), topic, images=self._images), None)
            if source is None:
                continue
            stack.enter_context(closing(source))
            if not isinstance(source, RasterInput):
                found[topic] = images_of(source, self._bag)
        return found

    @staticmethod
    def _track(
        stream: TrackedStream,
        findings: FrameFindings,
        fix: CameraFix | None,
        images: FrameImages | None,
    ) -> npt.NDArray[np.int64]:
        def image_bgr() -> npt.NDArray[np.uint8] | None:
            try:
                image = None if images is None else images.of(findings)
            except (InputError, VisionError):
                return None
            return None if image is None else image.image_bgr

        return stream.track(
            findings.detections, stamp_ns=findings.stamp_ns, fix=fix, image_bgr=image_bgr
        )


def share_origin(sources: Sequence[InspectionFrames]) -> LocalTangentPlane | None:
    """Give all recordings one origin, the first that most frames are near, and return it."""
    own = [(one.origin, max(one.frame_count, 1)) for one in sources if one.origin is not None]
    if not own:
        return None
    places, frames = zip(*own, strict=True)
    origin: LocalTangentPlane = places[first_of_most(places, frames)]
    for one in sources:
        one.origin = origin
    return origin


def _clock_ns(findings: FrameFindings) -> int | None:
    """Return when a frame was taken by its camera's clock, None where its file does not tell."""
    return None if findings.moment is None else findings.moment.clock_ns


def _raster_note(flight: str, place: RasterGeoreference) -> str:
    by = (
        'that it states'
        if place.error_m is not None
        else 'of plain GPS, because it does not state its own'
    )
    return (
        f'{flight} is an orthophoto: its findings are within the error {by} '
        f'({raster_sigma_m(place):.2f} m, 1 sigma of each axis), and no part of it counts as '
        'searched in the coverage, because it may be blank.'
    )
