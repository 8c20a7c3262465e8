# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import torch
import yaml

if TYPE_CHECKING:
    from pathlib import Path

# A YOLO11 in small, with a block of ours: a step takes milliseconds.
TINY = """
nc: 80
scales:
  n: [1.0, 1.0, 1024]
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
  - [-1, 1, C3k2_ContextGuided, [32, False, 0.5]]
  - [-1, 1, Conv, [32, 3, 2]]
  - [-1, 1, C3k2, [32, False, 0.5]]
head:
"""
HEADS = {
    'detect': '  - [[3, 5], 1, Detect, [nc]]\n',
    'segment': '  - [[3, 5], 1, Segment, [nc, 8, 16]]\n',
}


def draw_set(folder: Path, *, outlines: bool, train: int = 8, val: int = 3) -> Path:
    """Draw images of 64 pixels with light boxes, `equip`, and dark ones, `drain`."""
    rng = np.random.default_rng(3)
    for split, count in (('train', train), ('val', val)):
        for kind in ('images', 'labels'):
            (folder / kind / split).mkdir(parents=True)
        for number in range(count):
            image = rng.normal(110, 10, (64, 64, 3)).clip(0, 255).astype(np.uint8)
            lines = []
            for class_id, grey in ((0, 235), (1, 20)):
                width, height = (int(side) for side in rng.integers(16, 26, 2))
                x = int(rng.integers(0, 32 - width // 2)) + 24 * class_id
                y = int(rng.integers(0, 64 - height))
                x = min(x, 64 - width)
                image[y : y + height, x : x + width] = grey
                corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
                box = (x + width / 2, y + height / 2, width, height)
                values = np.array(corners if outlines else box, float).ravel() / 64
                lines.append(f'{class_id} ' + ' '.join(f'{value:.6f}' for value in values))
            assert cv2.imwrite(str(folder / 'images' / split / f'{split}{number}.png'), image)
            (folder / 'labels' / split / f'{split}{number}.txt').write_text('\n'.join(lines))
    data = folder / 'data.yaml'
    names = {0: 'equip', 1: 'drain'}
    data.write_text(
        yaml.safe_dump(
            {'path': str(folder), 'train': 'images/train', 'val': 'images/val', 'names': names}
        )
    )
    return data


@pytest.fixture(scope='session')
def boxes_set(tmp_path_factory):
    return draw_set(tmp_path_factory.mktemp('boxes'), outlines=False)


@pytest.fixture(scope='session')
def outlines_set(tmp_path_factory):
    return draw_set(tmp_path_factory.mktemp('outlines'), outlines=True)


@pytest.fixture(scope='session')
def tiny_models(tmp_path_factory):
    folder = tmp_path_factory.mktemp('models')
    for task, head in HEADS.items():
        (folder / f'yolo11n-tiny-{task}.yaml').write_text(TINY + head)
    return {task: str(folder / f'yolo11n-tiny-{task}.yaml') for task in HEADS}


@pytest.fixture
def one_thread():
    """Keep small networks on one thread: two wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
