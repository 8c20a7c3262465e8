# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Finds the pictures that results were made over."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.inputs.bag import BagInput
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.image_files import ImageFilesInput
from roof_detector.inputs.open_input import open_recording
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.file_images import FileImages
from roof_detector.offline.stamped_images import StampedImages
from roof_detector.offline.work_folder import read_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from roof_detector.inputs.input import RecordedInput
    from roof_detector.offline.frame_images import FrameImages
    from roof_detector.offline.result_bag import ResultBag


def camera_footages(
    bags: Sequence[ResultBag], topic: str, *, images: Path | None
) -> Iterator[RecordedInput]:
    """Open what may hold an image topic's pictures: what is named, the bags, where they came from.

    The caller closes each. Raises InputError or ReplayError where what is named cannot be read.
    """
    named = [] if images is None else [images]
    for path in [*named, *(bag.path for bag in bags), *map(footage_path, bags)]:
        if path is None:
            continue
        try:
            footage = _open(path, topic)
        except (InputError, ReplayError, BagError):
            if path is images:
                raise
            continue
        if len(footage.image_topics) == 1 and not footage.is_annotated:
            yield footage
        else:
            footage.close()


def images_of(footage: RecordedInput, bag: ResultBag) -> FrameImages:
    """Return how the images of a result bag are found in some footage."""
    if isinstance(footage, ImageFilesInput):
        return FileImages(footage)
    return StampedImages(footage, is_own=footage.path == bag.path)


def annotated_footage(bag: ResultBag, topic: str) -> RecordedInput | None:
    """Open the pictures that were annotated when the bag was made, None where it has none."""
    try:
        return BagInput(
            bag.path, image_topics=(bag.annotated_topic(topic),), passthrough_topics=()
        )
    except InputError:
        return None


def footage_path(bag: ResultBag) -> Path | None:
    """Return where the footage of results lay when they were made, None where nothing says so."""
    source = read_run(bag.folder).get('source')
    return Path(source) if source else None


def _open(path: Path, topic: str) -> RecordedInput:
    try:
        return open_recording(path, image_topics=(topic,) if topic else ())
    except InputError as error:
        # A camera in flight is known by the name of its raw pictures, whatever was recorded.
        with suppress(InputError):
            return open_recording(path, image_topics=(f'{topic}/compressed',))
        raise error from None
