# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The exports that accompany a result bag, one set for each image topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.offline.errors import ReplayError
from roof_detector.results.formats import (
    FORMATS,
    IMAGE_FORMATS,
    MAP_FORMATS,
    TABLE_FORMATS,
    open_exports,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self

    from roof_detector.inputs.raster_file import RasterFile
    from roof_detector.results.map_features import Track
    from roof_detector.vision.frame_findings import FrameFindings

DEFAULT_FORMATS = ('csv', 'xlsx', 'json')
DEFAULT_MAP_FORMATS = ('geojson',)


class Exports:
    """Writes the findings of a run in every format, each image topic to a folder of its own.

    A format that fails is reported in `warnings` and stops no other. `already_annotated` names the
    image topics whose images show the detections already. `raster` is the orthophoto that the
    findings are of, in place of images.
    """

    def __init__(
        self,
        folder: Path,
        formats: Sequence[str],
        *,
        image_topics: Sequence[str],
        class_names: tuple[str, ...],
        settings: Mapping[str, object],
        tracks: Mapping[str, Track] | None = None,
        already_annotated: Collection[str] = (),
        overwrite: bool = False,
        raster: RasterFile | None = None,
    ) -> None:
        self.wants_images = bool(IMAGE_FORMATS.intersection(formats))
        self.warnings: tuple[str, ...] = ()
        self.notes: tuple[str, ...] = ()
        tracks = tracks or {}
        self._exports = {
            topic: open_exports(
                topic_folder,
                formats,
                class_names=class_names,
                settings=settings,
                track=tracks.get(topic),
                already_annotated=topic in already_annotated,
                overwrite=overwrite,
                raster=raster,
            )
            for topic, topic_folder in folders_of(folder, image_topics).items()
        }

    def write(
        self,
        findings: FrameFindings,
        image_bgr: NDArray[np.uint8] | None,
        encoded: bytes = b'',
    ) -> None:
        """Add a frame; `encoded` is the file that its image was decoded from, if there is one."""
        self._exports[findings.topic].write(findings, image_bgr, encoded)

    def close(self) -> None:
        """Complete all files."""
        for export in self._exports.values():
            export.close()
        self.warnings = tuple(e for export in self._exports.values() for e in export.errors)
        self.notes = tuple(n for export in self._exports.values() for n in export.notes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for export in self._exports.values():
            export.abandon()


def check_formats(formats: Sequence[str]) -> None:
    """Raise ReplayError for an unknown format."""
    if unknown := sorted(set(formats) - set(FORMATS)):
        msg = f'There is no export format {", ".join(unknown)}; there are: {", ".join(FORMATS)}.'
        raise ReplayError(msg)


def without_positions(formats: Sequence[str] | None) -> list[str]:
    """Return the formats, or the default ones, that never hold the positions of detections."""
    chosen = DEFAULT_FORMATS if formats is None else formats
    return [name for name in chosen if name not in MAP_FORMATS and name not in TABLE_FORMATS]


def folders_of(folder: Path, topics: Sequence[str]) -> dict[str, Path]:
    """Return the folder for the files of each image topic; no two topics share one.

    `/a/b` and `/a_b` give the same folder name, so the later one is numbered.
    """
    if len(topics) == 1:
        return {topics[0]: folder}
    names: dict[str, str] = {}
    for topic in topics:
        own = topic.strip('/').replace('/', '_')
        name, number = own, 1
        while name in names.values():
            number += 1
            name = f'{own}_{number}'
        names[topic] = name
    return {topic: folder / name for topic, name in names.items()}
