# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Small models with random weights, made once: no trained file is needed to test a detector."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from roof_detector.inference.quiet_ultralytics import import_quietly

NAMES = ('equip', 'drain', 'crack', 'ponding', 'rust')
IMAGE_SIZE = 320

# A YOLO11 with the fewest layers that have its strides: it is exported in a third of the time.
SMALL = """
nc: 80
scales:
  n: [0.50, 0.25, 1024]
backbone:
  - [-1, 1, Conv, [64, 3, 2]]
  - [-1, 1, Conv, [128, 3, 2]]
  - [-1, 1, Conv, [256, 3, 2]]
  - [-1, 2, C3k2, [256, False, 0.25]]
  - [-1, 1, Conv, [512, 3, 2]]
  - [-1, 1, Conv, [512, 3, 2]]
  - [-1, 1, C2PSA, [512]]
head:
"""
HEADS = {
    'detect': '  - [[3, 4, 6], 1, Detect, [nc]]\n',
    'segment': '  - [[3, 4, 6], 1, Segment, [nc, 32, 256]]\n',
}

torch.set_num_threads(1)  # images this small gain nothing from more


def _paint_roof(seed: int, size_wh: tuple[int, int] = (1280, 720)) -> np.ndarray:
    """Paint rectangles, discs and lines on a noisy ground."""
    random = np.random.default_rng(seed)
    width, height = size_wh
    coarse = random.integers(60, 190, (height // 40 + 1, width // 40 + 1, 3), dtype=np.uint8)
    image = cv2.resize(coarse, size_wh, interpolation=cv2.INTER_CUBIC)
    for _ in range(25):
        x, y = int(random.integers(width)), int(random.integers(height))
        side = int(random.integers(10, max(width // 8, 11)))
        colour = tuple(int(c) for c in random.integers(0, 256, 3))
        shape = random.integers(3)
        if shape == 0:
            cv2.rectangle(image, (x, y), (x + side, y + side // 2), colour, cv2.FILLED)
        elif shape == 1:
            cv2.circle(image, (x, y), side // 2, colour, cv2.FILLED)
        else:
            cv2.line(image, (x, y), (x + side, y - side // 3), colour, 3)
    return image


@pytest.fixture(scope='session')
def paint_roof():
    return _paint_roof


@pytest.fixture(scope='session')
def roof_bgr():
    return _paint_roof(1)


@dataclass(frozen=True)
class ModelFiles:
    """One random model in every format, of any size and of a fixed one."""

    pt: Path
    onnx: Path
    onnx_fixed: Path
    openvino: Path
    openvino_fixed: Path

    @classmethod
    def of(cls, folder: Path) -> ModelFiles:
        return cls(
            pt=folder / 'any.pt',
            onnx=folder / 'any.onnx',
            onnx_fixed=folder / 'fixed.onnx',
            openvino=folder / 'any_openvino_model',
            openvino_fixed=folder / 'fixed_openvino_model',
        )


@pytest.fixture(scope='session')
def detect_models(make_once, detect_pt):
    return ModelFiles.of(make_once('detect_models', partial(make_models, detect_pt)))


@pytest.fixture(scope='session')
def segment_models(make_once, segment_pt):
    return ModelFiles.of(make_once('segment_models', partial(make_models, segment_pt)))


@pytest.fixture(scope='session', params=['detect', 'segment'])
def models(request):
    return request.getfixturevalue(f'{request.param}_models')


def describe_small(task: str) -> str:
    return SMALL + HEADS[task]


@pytest.fixture(scope='session')
def small_network():
    return describe_small


@pytest.fixture(scope='session')
def detect_pt(make_once):
    return make_once('detect_pt', partial(save_random_model, 'detect')) / 'any.pt'


@pytest.fixture(scope='session')
def segment_pt(make_once):
    return make_once('segment_pt', partial(save_random_model, 'segment')) / 'any.pt'


@pytest.fixture(scope='session')
def coco_pt():
    root = Path(os.environ.get('ROOF_DETECTOR_DATA', Path(__file__).parents[5] / '../shared/data'))
    path = root / 'weights' / 'yolo11n_from_int8.pt'
    if not path.is_file():
        pytest.skip('shared data is absent: set ROOF_DETECTOR_DATA to its folder')
    return path


def make_models(checkpoint: Path, folder: Path) -> None:
    pt, fixed_pt = folder / 'any.pt', folder / 'fixed.pt'
    for path in (pt, fixed_pt):
        shutil.copyfile(checkpoint, path)
    yolo = import_quietly().YOLO
    for path, dynamic in ((pt, True), (fixed_pt, False)):
        for kind in ('onnx', 'openvino'):
            yolo(path).export(
                format=kind, imgsz=IMAGE_SIZE, dynamic=dynamic, device='cpu', verbose=False
            )


def save_random_model(task: str, folder: Path) -> None:
    """Save a random network as its trainer would; its scores spread and its boxes differ."""
    tasks = import_quietly('ultralytics.nn.tasks')
    torch.manual_seed(7)
    description = folder / f'yolo11n-small-{task}.yaml'
    description.write_text(describe_small(task))
    kind = {'detect': tasks.DetectionModel, 'segment': tasks.SegmentationModel}[task]
    model = kind(str(description), nc=len(NAMES), verbose=False)
    model.names = dict(enumerate(NAMES))
    model.args = {'imgsz': IMAGE_SIZE}
    images = [cv2.resize(_paint_roof(seed), (IMAGE_SIZE, IMAGE_SIZE)) for seed in (5, 6, 7, 8)]
    blob = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).flip(1).float() / 255
    _settle_norms(model, blob)
    head = model.model[-1]
    for convs, spread, mean in ((head.cv3, 0.5, -1.8), (head.cv2, 1.5, 0.0)):
        _spread_outputs(model, blob, [branch[-1] for branch in convs], spread=spread, mean=mean)
    if task == 'segment':
        _spread_outputs(model, blob, [branch[-1] for branch in head.cv4], spread=1.0, mean=0.0)
    checkpoint = {
        'epoch': -1,
        'model': model.half(),
        'train_args': {'imgsz': IMAGE_SIZE, 'task': task},
        'train_metrics': {'fitness': np.float64(0.5)},
        'version': '8.4.190',
    }
    torch.save(checkpoint, folder / 'any.pt')


def _settle_norms(model: torch.nn.Module, blob: torch.Tensor) -> None:
    """Give the batch norms the statistics of these images, so that signals reach the head."""
    norms = [one for one in model.modules() if isinstance(one, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # average over all passes
        norm.reset_running_stats()
    with torch.no_grad():
        model.train()(blob)
    for norm in norms:
        norm.momentum = 0.03
    model.eval()


def _spread_outputs(
    model: torch.nn.Module,
    blob: torch.Tensor,
    convs: list[torch.nn.Conv2d],
    *,
    spread: float,
    mean: float,
) -> None:
    seen: dict[torch.nn.Module, torch.Tensor] = {}
    for conv in convs:
        torch.nn.init.normal_(conv.weight)
        torch.nn.init.zeros_(conv.bias)
    hooks = [
        conv.register_forward_hook(lambda layer, _, output: seen.__setitem__(layer, output))
        for conv in convs
    ]
    with torch.no_grad():
        model(blob)
        for conv in convs:
            conv.weight *= spread / seen[conv].std()
            conv.bias += mean - spread * seen[conv].mean() / seen[conv].std()
    for hook in hooks:
        hook.remove()
