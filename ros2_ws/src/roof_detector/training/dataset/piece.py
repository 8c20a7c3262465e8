# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One image to be written: a whole image or a window of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from training.dataset.tiling import DatasetTiling, Window, cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from training.dataset.instance import Instance
    from training.dataset.labelled_set import Sample


@dataclass(frozen=True, eq=False, kw_only=True)
class Piece:
    """The source of the pixels, the name to write under, the split and the labels.

    `window` is None for a whole image; `upright` means that its file can be copied unchanged.
    """

    image_path: Path
    name: str
    split: str
    instances: tuple[Instance, ...]
    window: Window | None = None
    upright: bool = True


def tiles(
    sample: Sample,
    size_wh: tuple[int, int],
    tiling: DatasetTiling,
    *,
    val_from_x: float | None = None,
    keep_empty: bool = True,
) -> Iterator[Piece]:
    """Yield the tiles of an image, named by their upper left corner.

    With `val_from_x`, a share of the width, the part west of it trains and the part east of it
    validates; each side is tiled by itself, so that they share no pixel.
    """
    width, height = size_wh
    regions: Iterable[tuple[str, Window]] = [(sample.split, (0, 0, width, height))]
    if val_from_x is not None:
        border = round(val_from_x * width)
        regions = [('train', (0, 0, border, height)), ('val', (border, 0, width, height))]
    for split, region in regions:
        for window in tiling.windows(region):
            seen = cut(
                sample.instances,
                window,
                size_wh=size_wh,
                least_visible=tiling.least_visible,
            )
            if seen or keep_empty:
                name = f'{sample.image_path.stem}_x{window[0]:05d}_y{window[1]:05d}'
                yield Piece(
                    image_path=sample.image_path,
                    name=name,
                    split=split,
                    instances=seen,
                    window=window,
                )
