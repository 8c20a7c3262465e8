# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Compose a set of photographs: `python -m training.research.realset --data D --output O`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
from tqdm import tqdm

from training.dataset.error import DatasetError
from training.dataset.yolo_writer import fresh_folder, label_line, write_data_yaml
from training.research.realset.composer import PhotoComposer
from training.research.realset.material import CLASSES, DESCRIPTION, Material

if TYPE_CHECKING:
    from training.research.realset.photo import Photo


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and write the set; return the exit code."""
    parser = argparse.ArgumentParser(
        prog='python -m training.research.realset', description=__doc__
    )
    parser.add_argument('--data', type=Path, required=True, help="folder of developers' data")
    parser.add_argument(
        '--public', type=Path, default=Path('public'), help='folder of public repositories'
    )
    parser.add_argument('--material', type=Path, default=DESCRIPTION, help='description to use')
    parser.add_argument(
        '--without', action='append', default=[], metavar='SOURCE', help='source to leave out'
    )
    parser.add_argument('--images', type=int, default=1200, help='number of training images')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--output', type=Path, required=True, help='folder of the set')
    parser.add_argument('--overwrite', action='store_true')
    given = parser.parse_args(arguments)
    try:
        material = Material.read(given.material, without=frozenset(given.without))
        composer = PhotoComposer(
            material=material, roots={'data': given.data, 'public': given.public}
        )
        counts = write_set(
            composer, given.output, given.images, seed=given.seed, overwrite=given.overwrite
        )
    except DatasetError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    for (split, name), (images, boxes) in sorted(counts.items()):
        print(f'{split:6}{name:20}{images:6} images {boxes:6} boxes')  # noqa: T201
    return 0


def write_set(
    composer: PhotoComposer, output: Path, images: int, *, seed: int, overwrite: bool = False
) -> dict[tuple[str, str], tuple[int, int]]:
    """Write both splits in the YOLO layout; return images and boxes of each split and source."""
    written: Counter[tuple[str, str]] = Counter()
    boxes: Counter[tuple[str, str]] = Counter()
    with fresh_folder(output, overwrite=overwrite) as folder:
        composed = composer.images(images, seed=seed)
        for split, parts in (
            ('train', tqdm(composed, total=images, unit='image')),
            ('val', composer.validation()),
        ):
            for i, (name, photo) in enumerate(parts):
                _write(folder, split, f'{name}_{i:05}', photo)
                written[split, name] += 1
                boxes[split, name] += len(photo.boxes_xyxy)
        splits = {split: f'images/{split}' for split in ('train', 'val') if written}
        write_data_yaml(folder / 'data.yaml', CLASSES, splits)
    return {key: (written[key], boxes[key]) for key in written}


def _write(folder: Path, split: str, stem: str, photo: Photo) -> None:
    for kind in ('images', 'labels'):
        (folder / kind / split).mkdir(parents=True, exist_ok=True)
    _, packed = cv2.imencode('.jpg', photo.image_bgr, [cv2.IMWRITE_JPEG_QUALITY, 92])
    (folder / 'images' / split / f'{stem}.jpg').write_bytes(packed.tobytes())
    lines = ''.join(f'{label_line(one, task="detect")}\n' for one in photo.instances())
    (folder / 'labels' / split / f'{stem}.txt').write_text(lines)


if __name__ == '__main__':
    raise SystemExit(main())
