# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The writer of windows of an orthophoto as a training and validation set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from tqdm import tqdm

from training.dataset.error import DatasetError
from training.dataset.yolo_writer import fresh_folder, label_line, write_data_yaml
from training.research.orthophoto.roof_stock import RoofStock
from training.research.orthophoto.turned_window import TurnedWindow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from training.dataset.instance import Instance
    from training.research.orthophoto.roof_paint import Image
    from training.research.orthophoto.settlement import Settlement

_EMPTY_SHARE = 0.2


@dataclass(frozen=True, kw_only=True)
class RoofSetConfig:
    """The number of training windows, of rebuilt settlements, and the border between the splits.

    `side_px` is the smallest and largest side of a window in pixels of the orthophoto; windows are
    written `size_px` wide. `plain_share` of the windows show the unchanged place; in the
    others `grey_share` of the roofs are made grey. With `val_from_x` 1 the whole place trains, and
    the set has no validation.
    """

    windows: int = 1200
    settlements: int = 50
    val_from_x: float = 0.667
    side_px: tuple[float, float] = (350.0, 2200.0)
    size_px: int = 640
    plain_share: float = 0.3
    grey_share: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.windows < 1 or self.settlements < 1:
            msg = (
                f'{self.windows} windows of {self.settlements} settlements cannot be made; '
                'give 1 or more of both.'
            )
            raise DatasetError(msg)
        if not 0 < self.val_from_x <= 1:
            msg = f'val_from_x is {self.val_from_x}; give a share of the width, at most 1.'
            raise DatasetError(msg)
        for name in ('plain_share', 'grey_share'):
            if not 0 <= getattr(self, name) <= 1:
                msg = f'{name} is {getattr(self, name)}; give a share from 0 to 1.'
                raise DatasetError(msg)


def write_roof_set(
    place: Settlement,
    output: Path,
    config: RoofSetConfig,
    *,
    others: Sequence[Settlement] = (),
    overwrite: bool = False,
) -> None:
    """Write the splits in the YOLO layout with outlines; the same seed gives the same bytes.

    Roofs of `others`, and of the place's own training part, are built into the settlements.
    """
    border = round(config.val_from_x * place.image_bgr.shape[1])
    with fresh_folder(output, overwrite=overwrite) as folder:
        bar = tqdm(_training(place, border, config, others), total=config.windows, unit='window')
        for i, (image_bgr, instances) in enumerate(bar):
            _write(folder, 'train', i, image_bgr, instances, suffix='.jpg')
        splits = {'train': 'images/train'}
        for i, (image_bgr, instances) in enumerate(_validation(place, border, config)):
            _write(folder, 'val', i, image_bgr, instances, suffix='.png')
            splits['val'] = 'images/val'
        write_data_yaml(folder / 'data.yaml', ('roof',), splits)


def _training(
    place: Settlement, border: int, config: RoofSetConfig, others: Sequence[Settlement]
) -> Iterator[tuple[Image, tuple[Instance, ...]]]:
    west = place.west_of(border)
    shown_west = west.image_bgr[:, :border]
    stock = RoofStock(
        [(shown_west, west.outlines), *((one.image_bgr, one.outlines) for one in others)]
    )
    for number in range(config.settlements):
        rng = np.random.default_rng([config.seed, number])
        plain = rng.random() < config.plain_share
        shown = (
            west
            if plain
            else west.rebuilt(rng, until_x=border, stock=stock, grey_share=config.grey_share)
        )
        wanted = (config.windows * (number + 1)) // config.settlements
        wanted -= (config.windows * number) // config.settlements
        while wanted:
            window = _random_window(border, west.image_bgr.shape[0], config, rng)
            instances = window.instances(shown.outlines)
            if instances or rng.random() < _EMPTY_SHARE:
                yield _exposed(window.cut(shown.image_bgr), rng), instances
                wanted -= 1


def _random_window(
    border: int, height: int, config: RoofSetConfig, rng: np.random.Generator
) -> TurnedWindow:
    side = float(np.exp(rng.uniform(*np.log(config.side_px))))
    x, y = (
        rng.uniform(side / 4, extent - side / 4) if side < 2 * extent else extent / 2
        for extent in (border, height)
    )
    angle = rng.uniform(0, 2 * np.pi)
    return TurnedWindow(
        centre_xy=(x, y),
        side_px=side,
        angle_rad=angle,
        mirrored=bool(rng.random() < 0.5),
        size_px=config.size_px,
    )


def _exposed(image_bgr: Image, rng: np.random.Generator) -> Image:
    """Return the image as another camera in another light would take it."""
    light = (image_bgr / 255.0) ** rng.uniform(0.7, 1.4) * 255 * rng.uniform(0.85, 1.15, 3)
    grainy = light + rng.normal(0, rng.uniform(0, 6), light.shape)
    taken = np.clip(grainy, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        taken = cv2.GaussianBlur(taken, (0, 0), rng.uniform(0.3, 1.2)).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 97))]
    _, packed = cv2.imencode('.jpg', taken, quality)
    return cv2.imdecode(packed, cv2.IMREAD_COLOR).astype(np.uint8, copy=False)


def _validation(
    place: Settlement, border: int, config: RoofSetConfig
) -> Iterator[tuple[Image, tuple[Instance, ...]]]:
    """Yield unrotated windows that cover the east, as they are and 1.6 times as wide."""
    height, width = place.image_bgr.shape[:2]
    for side in (config.size_px, round(config.size_px * 1.6)):
        if side > min(width - border, height):
            continue
        for y in _starts(0, height, side):
            for x in _starts(border, width, side):
                window = TurnedWindow(
                    centre_xy=(x + side / 2, y + side / 2), side_px=side, size_px=config.size_px
                )
                yield window.cut(place.image_bgr), window.instances(place.outlines)


def _starts(low: int, high: int, side: int) -> list[int]:
    count = -(-(high - low) // side)
    return [round(start) for start in np.linspace(low, high - side, count)]


def _write(
    folder: Path,
    split: str,
    number: int,
    image_bgr: Image,
    instances: tuple[Instance, ...],
    *,
    suffix: str,
) -> None:
    name = f'{split}_{number:05d}'
    for kind in ('images', 'labels'):
        (folder / kind / split).mkdir(parents=True, exist_ok=True)
    options = [cv2.IMWRITE_JPEG_QUALITY, 95] if suffix == '.jpg' else []
    _, packed = cv2.imencode(suffix, image_bgr, options)
    (folder / 'images' / split / f'{name}{suffix}').write_bytes(packed.tobytes())
    lines = ''.join(f'{label_line(one, task="segment")}\n' for one in instances)
    (folder / 'labels' / split / f'{name}.txt').write_text(lines)
