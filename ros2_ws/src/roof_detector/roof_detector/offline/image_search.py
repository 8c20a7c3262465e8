# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Finds the inputs that hold the images of results."""

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


def camera_inputs(
    bags: Sequence[ResultBag], topic: str, *, images: Path | None
) -> Iterator[RecordedInput]:
    """Open the inputs that may hold an image topic's images.

    These are `images`, the bags, and the original inputs of the bags. The caller closes each.
    Raises InputError where `images` cannot be read.
    """
    named = [] if images is None else [images]
    for path in [*named, *(bag.path for bag in bags), *map(input_path, bags)]:
        if path is None:
            continue
        try:
            source = _open(path, topic)
        except (InputError, ReplayError, BagError):
            if path is images:
                raise
            continue
        if len(source.image_topics) == 1 and not source.is_annotated:
            yield source
        else:
            source.close()


def images_of(source: RecordedInput, bag: ResultBag) -> FrameImages:
    """Return what finds the images of a result bag in an input."""
    if isinstance(source, ImageFilesInput):
        return FileImages(source)
    return StampedImages(source, is_own=source.path == bag.path)


def annotated_input(bag: ResultBag, topic: str) -> RecordedInput | None:
    """Open the annotated images of a bag, or return None where it has none."""
    try:
        return BagInput(
            bag.path, image_topics=(bag.annotated_topic(topic),), passthrough_topics=()
        )
    except InputError:
        return None


def input_path(bag: ResultBag) -> Path | None:
    """Return the path of the input that results were made from, None where it is unknown."""
    source = read_run(bag.folder).get('source')
    return Path(source) if source else None


def _open(path: Path, topic: str) -> RecordedInput:
    try:
        return open_recording(path, image_topics=(topic,) if topic else ())
    except InputError as error:
        # A camera in flight is named by its raw image topic, even if only compressed was recorded.
        with suppress(InputError):
            return open_recording(path, image_topics=(f'{topic}/compressed',))
        raise error from None
