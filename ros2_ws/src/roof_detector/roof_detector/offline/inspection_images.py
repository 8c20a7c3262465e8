# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Finds the images of an inspection's frames again, by their content."""

from __future__ import annotations

import gc
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.bags.errors import BagError
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.image_files import ImageFilesInput
from roof_detector.inputs.raster import RasterInput
from roof_detector.offline.errors import ReplayError, one_line
from roof_detector.offline.frame_images import FrameImages
from roof_detector.offline.image_search import camera_inputs, images_of
from roof_detector.offline.result_bag import ResultBag
from roof_detector.results.report.report_texts import report_texts
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.photo_tags import read_photo_tags

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from roof_detector.findings.stored_frames import StoredFrame
    from roof_detector.inputs.raster_file import RasterFile
    from roof_detector.vision.moment import Moment

FrameKey = tuple[str, str, int]
_NAMED = 5


class InspectionImages:
    """Reads images in the order of their recordings, through the results of each flight.

    `inputs` are those of the provenance. An image whose content is another than what was detected
    in is refused. `images` is where the recordings are now, if they were moved; `notes` collects
    what is missing and why, in a `language` of reports. `moments` and `cameras` are, by flight,
    when the first image that was come by was taken, and the maker and model of photos.
    """

    def __init__(
        self,
        folder: Path,
        inputs: Sequence[Mapping[str, Any]],
        *,
        images: Path | None = None,
        language: str = 'en',
    ) -> None:
        self._words = report_texts(language)
        self._folder = folder
        self._inputs = inputs
        self._images = images
        self.notes: list[str] = []
        self.missing = 0
        self.moments: dict[str, Moment] = {}
        self.cameras: dict[str, str] = {}

    def read(
        self, wanted: Collection[StoredFrame]
    ) -> Iterator[tuple[StoredFrame, npt.NDArray[np.uint8] | RasterFile]]:
        """Yield the images that are found, each once, an orthophoto as the file that it is."""
        by_flight: dict[str, dict[FrameKey, StoredFrame]] = {}
        for frame in wanted:
            by_flight.setdefault(frame.key[0], {})[frame.key] = frame
        known = {str(one.get('flight', '')): one for one in self._inputs}
        for flight, frames in by_flight.items():
            found = 0
            try:
                for item in self._of_flight(flight, known.get(flight, {}), frames):
                    found += 1
                    yield item
            except (ReplayError, BagError, InputError, OSError) as error:
                self.note('images_failed', flight=flight, error=one_line(error))
            self.missing += len(frames) - found
            # PyAV's container and streams refer to each other, and the frames of a decoder of 4K
            # take 100 MB: without this they wait for a collection that few objects bring about.
            gc.collect()

    def _of_flight(
        self, flight: str, given: Mapping[str, Any], frames: Mapping[FrameKey, StoredFrame]
    ) -> Iterator[tuple[StoredFrame, npt.NDArray[np.uint8] | RasterFile]]:
        path = recorded_results(self._folder, {**given, 'flight': flight})
        if path is None:
            self.note('images_unknown', flight=flight, folder=self._folder / 'detections')
            return
        bag = ResultBag(path)
        with ExitStack() as stack:
            sources = self._sources(stack, flight, bag, {key[1] for key in frames})
            left = len(frames)
            for recorded in bag.frames():
                findings = recorded.findings
                if findings is None:
                    continue
                if findings.moment is not None:
                    self.moments.setdefault(flight, findings.moment)
                frame = frames.get((flight, recorded.record.topic, recorded.record.index))
                if frame is None:
                    continue
                left -= 1
                source = sources.get(frame.topic)
                if isinstance(source, FrameImages):
                    image = source.of(findings)
                    if image is not None:
                        yield frame, image.image_bgr
                elif source is not None:
                    yield frame, source
                if not left:
                    break
            for one in sources.values():
                if isinstance(one, FrameImages):
                    self._note_losses(one)

    def sentence(self, key: str, **values: object) -> str:
        """Return a sentence of reports in the language of the notes."""
        return self._words[key].format(**values)

    def note(self, key: str, **values: object) -> None:
        """Note a sentence of reports with its values filled in."""
        self.notes.append(self.sentence(key, **values))

    def _note_losses(self, images: FrameImages) -> None:
        where = images.source.path
        unreadable = [
            self.sentence('image_failed', name=name, error=error)
            for name, error in images.unreadable()
        ]
        for key, names in (
            ('images_missing', images.missing()),
            ('images_refused', images.refused()),
            ('images_unreadable', unreadable),
        ):
            if names:
                self.note(key, where=where, count=len(names), names=self._listed(names))
        if images.end():
            self.note('images_end', where=where, error=images.end())

    def _listed(self, names: Sequence[str]) -> str:
        shown = self._words['between'].join(names[:_NAMED])
        return shown if len(names) <= _NAMED else self.sentence('and_more', names=shown)

    def _sources(
        self, stack: ExitStack, flight: str, bag: ResultBag, topics: Collection[str]
    ) -> dict[str, FrameImages | RasterFile]:
        """Return what has the images of each topic; it is closed with the stack."""
        found: dict[str, FrameImages | RasterFile] = {}
        for topic in sorted(topics):
            source = next(camera_inputs((bag,), topic, images=self._images), None)
            if source is None:
                self.note('images_moved', flight=flight, source=bag.source)
                continue
            stack.enter_context(closing(source))
            if isinstance(source, ImageFilesInput):
                self.cameras[flight] = _camera_of(source.paths)
            if isinstance(source, RasterInput):
                found[topic] = source.raster
            else:
                found[topic] = images_of(source, bag)
        return found


def recorded_results(folder: Path, given: Mapping[str, Any]) -> Path | None:
    """Return the results of a flight of an inspection's provenance, None where they are gone.

    They are in the inspection's folder, or where `inspect` had them from.
    """
    named = given.get('results')
    places = [folder / 'detections' / str(given.get('flight', ''))]
    if isinstance(named, str):
        places += [folder / named, Path(named)]
    return next((place for place in places if place.exists()), None)


def _camera_of(paths: Sequence[Path]) -> str:
    """Return maker and model of the first photo, '' where it does not tell them."""
    try:
        tags = read_photo_tags(paths[0])
    except (TelemetryError, OSError, IndexError):
        return ''
    names = [str(tags.exif.get(name, '')).strip('\0 ') for name in ('Make', 'Model')]
    return ' '.join(name for name in names if name)
