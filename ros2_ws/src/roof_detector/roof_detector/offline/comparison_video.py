# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Finds the pictures of the frames in which two runs differ."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from roof_detector.offline.comparison_images import side_by_side
from roof_detector.offline.image_search import camera_footages, images_of
from roof_detector.offline.manifest_values import manifest_table
from roof_detector.offline.result_writer import PARAMETERS

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from roof_detector.offline.comparison import Comparison, Difference
    from roof_detector.offline.result_bag import ResultBag

_NONE = (
    'The pictures of the flight were not found in the bags nor where it lay; the boxes are shown '
    'on plain grey. Name the footage with --images.'
)


def pictures_of(
    comparison: Comparison, a: ResultBag, b: ResultBag, *, images: Path | None
) -> tuple[list[tuple[NDArray[np.uint8], Difference]], str]:
    """Return each differing frame side by side, and what to say where its image is missing."""
    titles = (f'A  {_title(a, b)}', f'B  {_title(b, a)}')
    wanted = {
        topic: [one for one in comparison.differences if one.a.topic == topic]
        for topic in dict.fromkeys(one.a.topic for one in comparison.differences)
    }
    found: dict[int, NDArray[np.uint8]] = {}
    refusals: list[str] = []
    for topic, differences in wanted.items():
        for footage in camera_footages((a, b), topic, images=images):
            with closing(footage):
                frame_images = images_of(footage, a)
                for one in sorted(differences, key=lambda one: one.a.stamp_ns):
                    image = None if id(one) in found else frame_images.of(one.a)
                    if image is not None:
                        drawn = side_by_side(one, image.image_bgr.copy(), titles=titles)
                        found[id(one)] = drawn
                refusals += frame_images.troubles()
            if all(id(one) in found for one in differences):
                break
    missing = any(id(one) not in found for one in comparison.differences)
    shown = [
        (found[id(one)] if id(one) in found else side_by_side(one, None, titles=titles), one)
        for one in comparison.differences
    ]
    return shown, ' '.join([_NONE, *refusals]) if missing else ''


def _title(bag: ResultBag, other: ResultBag) -> str:
    """Return the model, and the parameters in which the other run differs."""
    own, others = (manifest_table(one.manifest, PARAMETERS) for one in (bag, other))
    differing = [
        f'{key.replace("_", " ")} {_words(value)}'
        for key, value in own.items()
        if others.get(key) != value
    ]
    return ', '.join([bag.manifest.get('model', bag.stem), *differing])


def _words(value: object) -> str:
    return (', '.join(map(str, value)) or 'none') if isinstance(value, list) else str(value)
