# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports from a bag that holds the results already."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.inputs.errors import InputError
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.exports import DEFAULT_FORMATS, Exports
from roof_detector.offline.georeferencing import PLACES, PlaceSettings, has_places
from roof_detector.offline.image_search import annotated_footage, camera_footages, images_of
from roof_detector.offline.manifest_values import manifest_table
from roof_detector.offline.outcome import Tally
from roof_detector.offline.progress import Progress
from roof_detector.offline.result_bag import ResultBag
from roof_detector.offline.result_writer import NETWORK, PARAMETERS
from roof_detector.results.formats import PICTURE_FORMATS
from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from roof_detector.offline.frame_images import FrameImages

# Of the network, what the manifest does not say by itself.
_FACTS = ('task', 'backend', 'device', 'image_size')
_NO_PICTURES = (
    'The bag holds no pictures of the camera, and formats that show pictures have none to show; '
    'name the footage itself with --images.'
)
_DRAWN_BEFORE = (
    'The bag holds annotated pictures only: they are shown as they were drawn in flight, in crops '
    'too. For others name the footage itself with --images.'
)


def export_results(
    bag_path: Path,
    folder: Path,
    formats: Sequence[str],
    *,
    places: PlaceSettings,
    images: Path | None = None,
    overwrite: bool = False,
    progress: str = 'bar',
) -> Tally:
    """Export what a result bag holds; return what passed, and what could not be exported.

    Images come from the footage named by `images`, from the bag, or from where it lay; those
    whose content is not what the results were found in are refused, and named.
    Raises BagError, ReplayError, InputError or ExportError before anything is written.
    """
    tally = Tally()
    with ExitStack() as stack:
        bag = stack.enter_context(ResultBag(bag_path))
        chosen, tracks = list(formats), {}
        if PLACES in chosen:
            try:
                tracks = places.tracks(bag, notes=tally.notes)
                tally.notes += places.notes()
            except ReplayError as error:
                tally.troubles.append(str(error))
                chosen.remove(PLACES)
        pictures: dict[str, FrameImages] = {}
        drawn_before: set[str] = set()
        if PICTURE_FORMATS.intersection(chosen):
            pictures, drawn_before = _pictures(stack, bag, images)
            if not pictures:
                tally.troubles.append(_NO_PICTURES)
            if drawn_before:
                tally.notes.append(_DRAWN_BEFORE)
        exports = stack.enter_context(
            Exports(
                folder,
                chosen,
                image_topics=bag.image_topics,
                class_names=bag.class_names,
                settings=settings_table(bag.manifest),
                tracks=tracks,
                drawn_before=drawn_before,
                overwrite=overwrite,
            )
        )
        bar = stack.enter_context(Progress(bag.stem, frames=bag.frame_count, kind=progress))
        try:
            for frame in bag.frames():
                findings, beside = frame.findings, pictures.get(frame.record.topic)
                if findings is not None:
                    found = beside.of(findings) if beside else None
                    exports.write(
                        findings,
                        found.image_bgr if found else None,
                        found.encoded if found else b'',
                    )
                elif beside is not None:
                    beside.pass_over(frame.record)
                tally.take(
                    trouble=frame.record.trouble,
                    inferred=False,
                    found=findings.detections.counts(bag.class_names) if findings else {},
                )
                bar.step()
        except (BagError, InputError, VisionError) as error:
            tally.troubles.append(f'It cannot be read to its end: {error}')
        exports.close()
        tally.troubles += [*bag.reader.damage, *exports.troubles]
        for beside in pictures.values():
            tally.troubles += beside.troubles()
            tally.notes += beside.notes()
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
    return export_results(bag_path, folder, (PLACES,), places=places, progress='none')


def usual_formats(bag_path: Path) -> tuple[str, ...]:
    """Return the formats for a bag when none are named."""
    with ResultBag(bag_path) as bag:
        return (*DEFAULT_FORMATS, PLACES) if has_places(bag) else DEFAULT_FORMATS


def settings_table(manifest: Mapping[str, str]) -> dict[str, object]:
    """Return what the workbook's sheet of settings holds."""
    table: dict[str, object] = {}
    for name, value in manifest.items():
        if name == PARAMETERS:
            table |= {key: _plain(one) for key, one in manifest_table(manifest, name).items()}
        elif name == NETWORK:
            facts = manifest_table(manifest, name)
            table |= {key: _plain(facts[key]) for key in _FACTS if key in facts}
        else:
            table[name] = _plain(_decoded(value))
    return table


def _decoded(text: str) -> object:
    """Return what a text holds as JSON, or itself where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _plain(value: object) -> object:
    """Return a value as people write it, without brackets and quotes."""
    if isinstance(value, dict):
        return ', '.join(f'{key}: {one}' for key, one in value.items())
    return ', '.join(map(str, value)) if isinstance(value, list) else value


def _pictures(
    stack: ExitStack, bag: ResultBag, images: Path | None
) -> tuple[dict[str, FrameImages], set[str]]:
    """Return the pictures of each image topic that has any, and whose were drawn into before."""
    found, drawn_before = {}, set()
    for topic in bag.image_topics:
        footage = next(camera_footages((bag,), topic, images=images), None)
        if footage is None:
            footage = annotated_footage(bag, topic)
            if footage is None:
                continue
            drawn_before.add(topic)
        stack.enter_context(closing(footage))
        found[topic] = images_of(footage, bag)
    return found, drawn_before
