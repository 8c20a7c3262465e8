# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Finds the images of an inspection's frames again, by their content."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.bags.errors import BagError
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.raster import RasterInput
from roof_detector.offline.errors import ReplayError, one_line
from roof_detector.offline.image_search import camera_inputs, images_of
from roof_detector.offline.result_bag import ResultBag

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from roof_detector.findings.stored_frames import StoredFrame
    from roof_detector.inputs.raster_file import RasterFile
    from roof_detector.offline.frame_images import FrameImages

FrameKey = tuple[str, str, int]


class InspectionImages:
    """Reads images in the order of their recordings, through the results of each flight.

    `inputs` are those of the provenance. An image whose content is another than what was detected
    in is refused. `images` is where the recordings are now, if they were moved; `notes` collects
    what is missing and why.
    """

    def __init__(
        self,
        folder: Path,
        inputs: Sequence[Mapping[str, Any]],
        *,
        images: Path | None = None,
    ) -> None:
        self._folder = folder
        self._inputs = inputs
        self._images = images
        self.notes: list[str] = []
        self.missing = 0

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
                self.notes.append(f'The images of {flight} cannot be read: {one_line(error)}')
            self.missing += len(frames) - found

    def _of_flight(
        self, flight: str, given: Mapping[str, Any], frames: Mapping[FrameKey, StoredFrame]
    ) -> Iterator[tuple[StoredFrame, npt.NDArray[np.uint8] | RasterFile]]:
        path = self._results(flight, given)
        if path is None:
            self.notes.append(
                f'The results of {flight} are no longer in {self._folder / "detections"}, so its '
                'images cannot be identified.'
            )
            return
        bag = ResultBag(path)
        with ExitStack() as stack:
            images: dict[str, FrameImages] = {}
            rasters: dict[str, RasterFile] = {}
            for topic in {key[1] for key in frames}:
                source = next(camera_inputs((bag,), topic, images=self._images), None)
                if source is None:
                    self.notes.append(
                        f'The recording of {flight} is not where it was ({bag.source}); name '
                        'its place with --images.'
                    )
                    continue
                stack.enter_context(closing(source))
                if isinstance(source, RasterInput):
                    rasters[topic] = source.raster
                else:
                    images[topic] = images_of(source, bag)
            left = len(frames)
            for recorded in bag.frames():
                key = (flight, recorded.record.topic, recorded.record.index)
                frame = frames.get(key)
                if frame is None or recorded.findings is None:
                    continue
                left -= 1
                if frame.topic in rasters:
                    yield frame, rasters[frame.topic]
                elif frame.topic in images:
                    image = images[frame.topic].of(recorded.findings)
                    if image is not None:
                        yield frame, image.image_bgr
                if not left:
                    break
            self.notes += [text for one in images.values() for text in one.warnings()]

    def _results(self, flight: str, given: Mapping[str, Any]) -> Path | None:
        """Return the results of a flight: in the inspection, or where `inspect` had them from."""
        named = given.get('results')
        places = [self._folder / 'detections' / flight]
        if isinstance(named, str):
            places += [self._folder / named, Path(named)]
        return next((place for place in places if place.exists()), None)
