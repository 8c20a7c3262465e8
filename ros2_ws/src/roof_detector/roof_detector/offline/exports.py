# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The files for people that go with a result bag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.offline.errors import ReplayError
from roof_detector.offline.georeferencing import PLACES
from roof_detector.results.formats import FORMATS, PICTURE_FORMATS, open_exports

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self

    from roof_detector.georeference.camera_track import CameraTrack
    from roof_detector.vision.frame_findings import FrameFindings

DEFAULT_FORMATS = ('csv', 'xlsx', 'json')


class Exports:
    """Write the findings of a run in every format; those of several image topics apart.

    A format that fails is told among the `troubles` and stops no other. `drawn_before` names the
    image topics whose pictures show the detections already.
    """

    def __init__(
        self,
        folder: Path,
        formats: Sequence[str],
        *,
        image_topics: Sequence[str],
        class_names: tuple[str, ...],
        settings: Mapping[str, object],
        tracks: Mapping[str, CameraTrack] | None = None,
        drawn_before: Collection[str] = (),
        overwrite: bool = False,
    ) -> None:
        self.wants_pictures = bool(PICTURE_FORMATS.intersection(formats))
        self.troubles: tuple[str, ...] = ()
        self.notes: tuple[str, ...] = ()
        tracks = tracks or {}
        self._exports = {
            topic: open_exports(
                topic_folder,
                formats,
                class_names=class_names,
                settings=settings,
                track=tracks.get(topic),
                drawn_before=topic in drawn_before,
                overwrite=overwrite,
            )
            for topic, topic_folder in folders_of(folder, image_topics).items()
        }

    def write(
        self,
        findings: FrameFindings,
        image_bgr: NDArray[np.uint8] | None,
        encoded: bytes = b'',
    ) -> None:
        """Add a frame, with the file that its image was decoded from where there is one."""
        self._exports[findings.topic].write(findings, image_bgr, encoded)

    def close(self) -> None:
        """Complete all files."""
        for export in self._exports.values():
            export.close()
        self.troubles = tuple(e for export in self._exports.values() for e in export.errors)
        self.notes = tuple(n for export in self._exports.values() for n in export.notes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for export in self._exports.values():
            export.abandon()


def check_formats(formats: Sequence[str]) -> None:
    """Raise ReplayError for a format that there is not."""
    if unknown := sorted(set(formats) - set(FORMATS)):
        msg = f'There is no export format {", ".join(unknown)}; there are: {", ".join(FORMATS)}.'
        raise ReplayError(msg)


def without_places(formats: Sequence[str] | None) -> list[str]:
    """Return the formats, the usual ones without any, that need no second look at the bag."""
    return [name for name in (DEFAULT_FORMATS if formats is None else formats) if name != PLACES]


def folders_of(folder: Path, topics: Sequence[str]) -> dict[str, Path]:
    """Return where the files of each image topic lie: no two topics in one folder.

    `/a/b` and `/a_b` have one name as a folder, so the later one of them is numbered.
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
