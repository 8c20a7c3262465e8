# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports from a bag that holds the results already."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.replay.bag_footage import BagFootage
from roof_detector.replay.errors import ReplayError
from roof_detector.replay.exports import DEFAULT_FORMATS, Exports
from roof_detector.replay.opening import open_footage
from roof_detector.replay.outcome import Tally
from roof_detector.replay.places import PLACES, PlaceSettings, has_places
from roof_detector.replay.progress import Progress
from roof_detector.replay.result_bag import ResultBag
from roof_detector.replay.result_writer import NETWORK, PARAMETERS
from roof_detector.replay.stamped_pictures import StampedPictures
from roof_detector.sources.errors import SourceError
from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from roof_detector.replay.footage import Footage

_NO_PICTURES = (
    'The bag holds no pictures of the camera, and formats that show pictures have none to show; '
    'name the footage itself with --images.'
)


def export_results(
    bag_path: Path,
    folder: Path,
    formats: Sequence[str],
    *,
    places: PlaceSettings,
    images: Path | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> Tally:
    """Export what a result bag holds; return what passed, and what could not be exported.

    Pictures come from the bag, or from the footage named by `images`. Raises BagError, ReplayError
    or ExportError before anything is written.
    """
    tally = Tally()
    with ExitStack() as stack:
        bag = stack.enter_context(ResultBag(bag_path))
        chosen, tracks = list(formats), {}
        if PLACES in chosen:
            try:
                tracks = places.tracks(bag)
                tally.notes += places.notes()
            except ReplayError as error:
                tally.troubles.append(str(error))
                chosen.remove(PLACES)
        exports = stack.enter_context(
            Exports(
                folder,
                chosen,
                image_topics=bag.image_topics,
                class_names=bag.class_names,
                settings=settings_table(bag.manifest),
                tracks=tracks,
                overwrite=overwrite,
            )
        )
        pictures: dict[str, StampedPictures] = {}
        if exports.wants_pictures:
            pictures = _pictures(stack, bag, images, tally)
        if exports.wants_pictures and not pictures:
            tally.troubles.append(_NO_PICTURES)
        progress = Progress(bag.stem, frames=bag.frame_count, quiet=quiet)
        bar = stack.enter_context(progress)
        try:
            for frame in bag.frames():
                findings = frame.findings
                if findings is not None:
                    beside = pictures.get(findings.topic)
                    exports.write(findings, beside.of(findings) if beside else None)
                tally.take(
                    trouble=frame.record.trouble,
                    inferred=False,
                    found=findings.detections.counts(bag.class_names) if findings else {},
                )
                bar.step()
        except (BagError, SourceError, VisionError) as error:
            tally.troubles.append(f'It cannot be read to its end: {error}')
        exports.close()
        tally.troubles += [*bag.reader.damage, *exports.troubles]
        tally.notes += exports.notes
    return tally


def export_places(
    bag_path: Path, folder: Path, formats: Sequence[str] | None, *, places: PlaceSettings
) -> Tally:
    """Export where detections lie, if that is among the formats or, without any, can be told."""
    if formats is not None and PLACES not in formats:
        return Tally()
    with ResultBag(bag_path) as bag:
        if formats is None and not has_places(bag):
            return Tally()
    return export_results(bag_path, folder, (PLACES,), places=places, quiet=True)


def usual_formats(bag_path: Path) -> tuple[str, ...]:
    """Return the formats for a bag when none are named."""
    with ResultBag(bag_path) as bag:
        return (*DEFAULT_FORMATS, PLACES) if has_places(bag) else DEFAULT_FORMATS


def settings_table(manifest: Mapping[str, str]) -> dict[str, object]:
    """Return what the workbook's sheet of settings holds."""
    table: dict[str, object] = {}
    for name, value in manifest.items():
        if name == PARAMETERS:
            table |= {k: v if not isinstance(v, list) else ', '.join(map(str, v)) for k, v in
                      json.loads(value).items()}  # fmt: skip
        elif name != NETWORK:
            table[name] = value
    return table


def _pictures(
    stack: ExitStack, bag: ResultBag, images: Path | None, tally: Tally
) -> dict[str, StampedPictures]:
    """Return the pictures beside each image topic's findings, as far as there are any."""
    found = {}
    for topic in bag.image_topics:
        try:
            if images is None:
                named = (topic,) if topic else ()
                footage: Footage = BagFootage(bag.path, image_topics=named, copy_topics=())
            else:
                footage = open_footage(images, image_topics=(topic,) if topic else ())
        except SourceError:
            if images is not None:
                raise
            continue
        stack.enter_context(closing(footage))
        if footage.is_annotated:
            tally.notes.append('The bag holds annotated pictures only; boxes are drawn twice.')
        if len(footage.image_topics) == 1:
            found[topic] = StampedPictures(footage.items())
    return found
