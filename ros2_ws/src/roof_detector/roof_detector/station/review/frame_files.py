# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Finds the image of a sighting in a photo, a video or a bag, and nowhere else."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError

from roof_detector.findings.live_inspection import LIVE_SOURCE
from roof_detector.inputs.bag import BagInput
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.file_kind import Group, kind_of_file
from roof_detector.inputs.frame import Frame
from roof_detector.inputs.image_decoding import read_image
from roof_detector.inputs.image_files import images_in
from roof_detector.inputs.input_files import readable
from roof_detector.inputs.video_frame import FrameConverter
from roof_detector.offline.work_folder import RUN_FILE
from roof_detector.station.errors import StationError
from roof_detector.station.folders import open_below
from roof_detector.station.review.flight_bags import FlightBags

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.station.review.sightings import StoredSighting

_MISSING = 404
# From a key frame to the next one; a stream without any is not decoded as a whole.
_MOST_FRAMES = 900
_ROUNDING_NS = 1_000_000
_MOST_RUN_BYTES = 4_000_000


class FrameFiles:
    """Reads single frames of recordings below some folders, wherever a file says they are.

    Not thread-safe. A bag stays open where it was read, for the next sighting is mostly later.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)
        self._bag: _BagCursor | None = None
        self._flights = FlightBags(self._roots)

    def read(self, sighting: StoredSighting) -> NDArray[np.uint8]:
        """Return the image (height, width, 3) in BGR; raise StationError that names it."""
        path, sighting = self._found(sighting)
        try:
            image = self._read(path, sighting)
        except (InputError, FFmpegError, OSError, ValueError) as error:
            msg = f'{_called(sighting)} cannot be read: {" ".join(str(error).split())[:300]}'
            raise StationError(msg, status=_MISSING) from error
        if image is None:
            msg = f'{_called(sighting)} is missing in {path.name}.'
            raise StationError(msg, status=_MISSING)
        if sighting.size_wh not in ((0, 0), image.shape[1::-1]):
            height, width = image.shape[:2]
            msg = (
                f'{_called(sighting)} has {width}x{height} pixels, and what was detected in had '
                f'{sighting.size_wh[0]}x{sighting.size_wh[1]}: it is another image.'
            )
            raise StationError(msg, status=_MISSING)
        return image

    def close(self) -> None:
        """Close the bag."""
        if self._bag is not None:
            self._bag.close()
            self._bag = None

    def _found(self, sighting: StoredSighting) -> tuple[Path, StoredSighting]:
        """Return the recording, and the sighting with the topic that it has there."""
        if sighting.source != LIVE_SOURCE:
            return self._path(sighting), sighting
        bag = self._flights.find(sighting.topic, sighting.stamp_ns)
        if bag is None:
            msg = (
                f'{_called(sighting)} was not kept: it is shown while this page is open during '
                'the flight, and afterwards from the bag of a recorder, once the recording ended.'
            )
            raise StationError(msg, status=_MISSING)
        return bag[0], replace(sighting, topic=bag[1])

    def _path(self, sighting: StoredSighting) -> Path:
        """Return the recording, where it was or beside the inspection."""
        named = Path(sighting.source)
        places = [named] if named.is_absolute() else [root / named for root in self._roots[:1]]
        folder = self._roots[0]
        places += [*_noted(folder, sighting.flight), folder / named.name]
        for place in places:
            try:
                path = place.resolve(strict=True)
            except (OSError, RuntimeError, ValueError):
                continue
            if any(path.is_relative_to(root.resolve()) for root in self._roots):
                return path
        msg = (
            f'{_called(sighting)} is missing: {readable(sighting.source)} is not in a folder of '
            'this station. Copy it beside the inspection, or name its folder in image_folders.'
        )
        raise StationError(msg, status=_MISSING)

    def _read(self, path: Path, sighting: StoredSighting) -> NDArray[np.uint8] | None:
        is_bag = path.suffix in ('.mcap', '.db3', '.bag') or any(path.glob('*.mcap'))
        if is_bag or any(path.glob('*.db3')):
            if self._bag is None or not self._bag.is_of(path, sighting.topic):
                self.close()
                self._bag = _BagCursor(path, sighting.topic)
            return self._bag.at(sighting.stamp_ns)
        if path.is_dir():
            found = [one for one in images_in(path) if readable(one.name) == sighting.name]
            return read_image(found[0]) if found else None
        if kind_of_file(path).group is Group.VIDEO:
            return video_image(path, sighting.stamp_ns)
        return read_image(path)


class _BagCursor:
    """The images of one topic of a bag, read forward."""

    def __init__(self, path: Path, topic: str) -> None:
        self._path, self._topic = path, topic
        self._source: BagInput | None = None
        self._frames: Iterator[Frame] = iter(())
        self._last_ns = -1

    def is_of(self, path: Path, topic: str) -> bool:
        """Return whether it reads this topic of this bag."""
        return (path, topic) == (self._path, self._topic)

    def at(self, stamp_ns: int) -> NDArray[np.uint8] | None:
        """Return the image of a stamp, None if there is none."""
        if self._source is None or stamp_ns <= self._last_ns:
            self._open()
        for frame in self._frames:
            self._last_ns = frame.stamp_ns
            if frame.stamp_ns >= stamp_ns:
                return frame.image_bgr if frame.stamp_ns == stamp_ns else None
        self.close()
        return None

    def close(self) -> None:
        """Close the bag."""
        if self._source is not None:
            self._source.close()
            self._source = None

    def _open(self) -> None:
        self.close()
        topics = (self._topic,) if self._topic else ('',)
        try:
            self._source = BagInput(self._path, image_topics=topics, passthrough_topics=())
        except InputError:
            # A camera in flight is named by its raw topic, even if compressed was recorded.
            topics = (f'{self._topic}/compressed',)
            self._source = BagInput(self._path, image_topics=topics, passthrough_topics=())
        self._frames = (one for one in self._source.recorded() if isinstance(one, Frame))
        self._last_ns = -1


def video_image(path: Path, stamp_ns: int) -> NDArray[np.uint8] | None:
    """Return the frame of a video at a time from its beginning, None if there is none."""
    options = {'protocol_whitelist': 'file'}
    with closing(
        av.open(f'file:{path}', metadata_errors='replace', container_options=options)
    ) as container:
        stream = max(container.streams.video, key=lambda one: one.width * one.height)
        stream.codec_context.thread_count = 1  # as VideoDecoder, which showed it to the detector
        base = stream.time_base or Fraction(1, 1000)
        begin = (stream.start_time or 0) * base
        wanted = begin + Fraction(stamp_ns, 10**9)
        container.seek(int(wanted / base), stream=stream, backward=True)
        aspect = stream.sample_aspect_ratio
        converter = FrameConverter(aspect=Fraction(aspect) if aspect else None)
        for count, frame in enumerate(container.decode(stream)):
            if count >= _MOST_FRAMES:
                return None
            if frame.pts is None or frame.time_base is None:
                continue
            apart_ns = (frame.pts * frame.time_base - wanted) * 10**9
            if apart_ns < -_ROUNDING_NS:
                continue
            if apart_ns > _ROUNDING_NS:
                return None
            return next((image for _, image in converter.images(frame)), None)
    return None


def _noted(folder: Path, flight: str) -> list[Path]:
    """Return where `inspect` had the recording of a flight from."""
    try:
        with open_below(folder, f'detections/{flight}/{RUN_FILE}') as file:
            source = json.loads(file.read(_MOST_RUN_BYTES)).get('source')
    except (StationError, ValueError, AttributeError, RecursionError):
        return []
    return [Path(source)] if isinstance(source, str) else []


def _called(sighting: StoredSighting) -> str:
    return f'The image {readable(sighting.name)} of {readable(sighting.flight)}'
