# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports the results that a bag holds to files for people."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from roof_detector.bags.errors import BagError
from roof_detector.georeference.camera_track import CameraTrack
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.raster import RasterInput
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.exports import DEFAULT_FORMATS, DEFAULT_MAP_FORMATS, Exports
from roof_detector.offline.georeferencing import GeoreferenceSettings, can_georeference
from roof_detector.offline.image_search import annotated_input, camera_inputs, images_of
from roof_detector.offline.manifest import NETWORK, PARAMETERS, manifest_table
from roof_detector.offline.outcome import FrameTally
from roof_detector.offline.photo_georeferencing import unused_log_note
from roof_detector.offline.progress import ProgressDisplay
from roof_detector.offline.result_bag import ResultBag
from roof_detector.offline.video_georeferencing import unused_positions_note
from roof_detector.results.formats import IMAGE_FORMATS, MAP_FORMATS, TABLE_FORMATS
from roof_detector.vision.errors import VisionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from roof_detector.inputs.raster_file import RasterFile
    from roof_detector.offline.frame_images import FrameImages
    from roof_detector.offline.progress import ProgressKind
    from roof_detector.results.map_features import Track

# The facts of the model that the manifest does not have as keys of their own.
_FACTS = ('task', 'backend', 'device', 'precision', 'image_size')
_NO_IMAGES = (
    'The bag holds no images of the camera, which the formats with images need; name the input '
    'itself with --images.'
)
_ALREADY_ANNOTATED = (
    'The bag holds annotated images only: exports show the annotations of the flight, in crops '
    'too. For clean images, name the input itself with --images.'
)


def export_results(
    bag_path: Path,
    folder: Path,
    formats: Sequence[str],
    *,
    georeferencing: GeoreferenceSettings,
    images: Path | None = None,
    overwrite: bool = False,
    progress: ProgressKind = 'bar',
) -> FrameTally:
    """Export the results of a bag; return the counts, and warnings on what is missing.

    Images come from the input that `images` names, from the bag, or from the path of the original
    input. Images whose content differs from what was detected in are refused and listed.
    Raises BagError, ReplayError, InputError or ExportError before anything is written.
    """
    tally = FrameTally()
    with ExitStack() as stack:
        bag = stack.enter_context(ResultBag(bag_path))
        chosen: list[str] = list(formats)
        tracks = _tracks(bag, chosen, georeferencing, tally, images=images)
        if not tracks or any(map(_is_local, tracks.values())):
            chosen = [name for name in chosen if name not in MAP_FORMATS]
        images_of_topic: dict[str, FrameImages] = {}
        already_annotated: set[str] = set()
        raster: RasterFile | None = None
        if IMAGE_FORMATS.intersection(chosen):
            images_of_topic, already_annotated, orthophoto = _images(stack, bag, images)
            if orthophoto is not None:
                raster = _same_raster(orthophoto, bag, tally)
            elif not images_of_topic:
                tally.warnings.append(_NO_IMAGES)
            if already_annotated:
                tally.notes.append(_ALREADY_ANNOTATED)
        exports = stack.enter_context(
            Exports(
                folder,
                chosen,
                image_topics=bag.image_topics,
                class_names=bag.class_names,
                settings=settings_table(bag.manifest),
                tracks=tracks,
                already_annotated=already_annotated,
                overwrite=overwrite,
                raster=raster,
            )
        )
        bar = stack.enter_context(ProgressDisplay(bag.stem, frames=bag.frame_count, kind=progress))
        try:
            for frame in bag.frames():
                findings, frame_images = frame.findings, images_of_topic.get(frame.record.topic)
                if findings is not None:
                    found = frame_images.of(findings) if frame_images else None
                    exports.write(
                        findings,
                        found.image_bgr if found else None,
                        found.encoded if found else b'',
                    )
                elif frame_images is not None:
                    frame_images.skip(frame.record)
                tally.count(
                    error=frame.record.error,
                    inferred=False,
                    found=findings.detections.counts(bag.class_names) if findings else {},
                )
                bar.step()
        except (BagError, InputError, VisionError) as error:
            tally.warnings.append(f'It cannot be read to its end: {error}')
        exports.close()
        tally.warnings += [*bag.reader.damage, *exports.warnings]
        for frame_images in images_of_topic.values():
            tally.warnings += frame_images.warnings()
            tally.notes += frame_images.notes()
        tally.notes += exports.notes
    return tally


def export_positions(
    bag_path: Path,
    folder: Path,
    formats: Sequence[str] | None,
    *,
    georeferencing: GeoreferenceSettings,
    images: Path | None = None,
) -> FrameTally:
    """Export the maps and tables that are among the formats or, without any, the default ones.

    Without formats there is a map only where positions are known.
    """
    notes: list[str] = []
    if formats is None:
        formats = (*DEFAULT_FORMATS, *DEFAULT_MAP_FORMATS)
        with ResultBag(bag_path) as bag:
            if not can_georeference(bag, images=images, has_origin=georeferencing.has_origin):
                formats = DEFAULT_FORMATS
                note = unused_positions_note(bag, images=images) or unused_log_note(
                    bag, images=images
                )
                notes += [note] if note else []
    chosen = [name for name in formats if name in MAP_FORMATS or name in TABLE_FORMATS]
    if not chosen:
        return FrameTally(notes=notes)
    tally = export_results(
        bag_path,
        folder,
        chosen,
        georeferencing=georeferencing,
        images=images,
        overwrite=True,
        progress='none',
    )
    tally.notes += notes
    return tally


def default_formats(bag_path: Path) -> tuple[str, ...]:
    """Return the default formats for a bag."""
    with ResultBag(bag_path) as bag:
        return (
            (*DEFAULT_FORMATS, *DEFAULT_MAP_FORMATS) if can_georeference(bag) else DEFAULT_FORMATS
        )


def settings_table(manifest: Mapping[str, str]) -> dict[str, object]:
    """Return the rows of the workbook's settings sheet."""
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
    """Return the value of a text in JSON, or the text where it is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _plain(value: object) -> object:
    """Return a value without the brackets and quotes of JSON."""
    if isinstance(value, dict):
        return ', '.join(f'{key}: {one}' for key, one in value.items())
    return ', '.join(map(str, value)) if isinstance(value, list) else value


def _images(
    stack: ExitStack, bag: ResultBag, images: Path | None
) -> tuple[dict[str, FrameImages], set[str], RasterInput | None]:
    """Return the images of each topic that has any, and the topics with annotated images only.

    In place of both, the orthophoto that the results are of.
    """
    found, already_annotated = {}, set()
    for topic in bag.image_topics:
        source = next(camera_inputs((bag,), topic, images=images), None)
        if source is None:
            source = annotated_input(bag, topic)
            if source is None:
                continue
            already_annotated.add(topic)
        stack.enter_context(closing(source))
        if isinstance(source, RasterInput):
            return {}, set(), source
        found[topic] = images_of(source, bag)
    return found, already_annotated, None


def _tracks(
    bag: ResultBag,
    formats: Sequence[str],
    georeferencing: GeoreferenceSettings,
    tally: FrameTally,
    *,
    images: Path | None,
) -> Mapping[str, Track]:
    """Return the tracks that maps, and tables where positions are known, need; none without."""
    maps = [name for name in formats if name in MAP_FORMATS]
    has_tables = bool(TABLE_FORMATS.intersection(formats))
    is_known = can_georeference(bag, images=images, has_origin=True)
    if not maps and not (has_tables and is_known):
        return {}
    try:
        tracks = georeferencing.tracks(bag, notes=tally.notes, images=images)
        if maps and any(map(_is_local, tracks.values())):
            tally.warnings.append(
                f'{", ".join(maps)} was not exported: the poses of the bag are in a map of their '
                'own. Give the place of its origin with --origin LATITUDE LONGITUDE ALTITUDE.'
            )
        return tracks
    except ReplayError as error:
        if maps:
            tally.warnings.append(f'{", ".join(maps)} was not exported: {error}')
        else:
            tally.notes.append(f'The tables hold no positions. {error}')
    return {}


def _is_local(track: Track) -> bool:
    """Return whether nothing tells where on Earth a track is."""
    return isinstance(track, CameraTrack) and track.is_local


def _same_raster(source: RasterInput, bag: ResultBag, tally: FrameTally) -> RasterFile | None:
    """Return the raster if it is what was detected in; else add a warning."""
    for frame in bag.frames():
        if frame.record.content in (None, source.content):
            return source.raster
    tally.warnings.append(
        f'{source.path} is refused, because its content differs from what was detected in.'
    )
    return None
