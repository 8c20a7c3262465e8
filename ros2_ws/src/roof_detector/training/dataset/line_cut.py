# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Splits of images along a line, in which images that touch a cut are left out."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from training.dataset.error import DatasetError
from training.dataset.source_name import SourceName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.dataset.image_facts import ImageFacts
    from training.dataset.labelled_set import Sample

WAYS = ('order', 'x')
# Frames this close in a video show nearly the same; at 30 frames a second it is a second.
GUARD_FRAMES = 30
LEFT_OUT = -1


def cut_along(
    samples: Sequence[Sample],
    facts: Sequence[ImageFacts],
    shares: Sequence[float],
    *,
    by: str,
    guard_frames: int = GUARD_FRAMES,
) -> list[int]:
    """Return the split of each sample, from west to east or from first to last; -1 is left out.

    `x` places tiles by the x in their names, each orthophoto by itself; `order` frames by their
    number, each video by itself, and `guard_frames` around a cut are left out.
    """
    lines: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
    for i, (sample, one) in enumerate(zip(samples, facts, strict=True)):
        name = SourceName.of(sample.image_path)
        if by == 'x':
            if name.tile_xy is None:
                msg = (
                    f'{sample.image_path.name} does not tell its place; tiles are named '
                    'NAME_x00640_y00000, as `convert --tile` does.'
                )
                raise DatasetError(msg)
            lines[name.video or ''].append((name.tile_xy[0], name.tile_xy[0] + one.size_wh[0], i))
        else:
            if name.number is None:
                msg = (
                    f'{sample.image_path.name} does not tell its place in a video; frames end in '
                    'their number, as in flight_000123.jpg.'
                )
                raise DatasetError(msg)
            lines[name.video or ''].append((name.number, name.number + guard_frames, i))
    parts = [LEFT_OUT] * len(samples)
    for line in lines.values():
        for i, part in _cut(line, shares):
            parts[i] = part
    return parts


def _cut(line: list[tuple[float, float, int]], shares: Sequence[float]) -> list[tuple[int, int]]:
    """Return index and split of every interval that touches no cut."""
    starts = np.sort(np.array([start for start, _, _ in line], dtype=np.float64))
    # A cut lies where the first image of the next split begins.
    places = np.cumsum(shares)[:-1] * len(starts)
    cuts = [starts[min(round(place), len(starts) - 1)] for place in places]
    found = []
    for start, end, i in line:
        if all(end <= cut or start >= cut for cut in cuts):
            found.append((i, sum(start >= cut for cut in cuts)))
    return found
