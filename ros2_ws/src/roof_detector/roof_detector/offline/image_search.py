# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Finds the inputs that hold the images of results."""

from __future__ import annotations

from contextlib import suppress
from glob import escape
from itertools import takewhile
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

    These are `images`, the bags, and the original inputs of the bags. Where `images` is a folder,
    such as a copy of a memory card, it is what has the name of an original input in it. The
    caller closes each. Raises InputError where `images` cannot be read.
    """
    if images is not None:
        images = _within(images, bags)
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


def _within(folder: Path, bags: Sequence[ResultBag]) -> Path:
    """Return the recording of an original input's name in a folder, or what was given."""
    sources = [source for source in map(input_path, bags) if source is not None]
    if not folder.is_dir() or any(source.name == folder.name for source in sources):
        return folder
    # Of the same names, as on cards with several folders, the one with most of the path.
    found = [
        (_alike_to_the_end(path, source), path)
        for source in sources
        for path in folder.rglob(escape(source.name))
    ]
    return max(found)[1] if found else folder


def _alike_to_the_end(path: Path, other: Path) -> int:
    """Return how many parts at the end of two paths are the same."""
    pairs = zip(reversed(path.parts), reversed(other.parts), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _open(path: Path, topic: str) -> RecordedInput:
    try:
        return open_recording(path, image_topics=(topic,) if topic else ())
    except InputError as error:
        # A camera in flight is named by its raw image topic, even if only compressed was recorded.
        with suppress(InputError):
            return open_recording(path, image_topics=(f'{topic}/compressed',))
        raise error from None
