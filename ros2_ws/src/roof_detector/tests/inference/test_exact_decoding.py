# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A network that computes with 16 bits places its boxes with 32."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import roof_detector.blocks  # noqa: F401  (registers the heads)
from roof_detector.inference.detector import Detector
from roof_detector.inference.quiet_ultralytics import import_quietly
from roof_detector.inference.shipped_weights import resolve_model, shipped_models

FRAME = Path(__file__).parents[5] / 'docs' / 'images' / 'frame.jpg'


@pytest.mark.parametrize('model', shipped_models())
def test_boxes_in_bf16_are_where_those_in_f32_are(model):
    path = resolve_model(model)
    with (
        Detector.open(path, device='cpu') as exact,
        Detector.open(path, device='cpu', precision='bf16') as coarse,
    ):
        assert coarse.precision == 'bf16'
        prepared = exact.preprocess(cv2.imread(str(FRAME)))
        (expected,), (found,) = exact.infer(prepared), coarse.infer(prepared)
    scores = expected.raw.predictions[4 : 4 + len(exact.names)].max(axis=0)
    surest = np.argsort(-scores)[:20]
    difference = np.abs(found.raw.predictions - expected.raw.predictions)[:4, surest]
    # Decoded in bf16, half of them are off by a pixel and some by four.
    assert np.median(difference) < 0.25
    assert difference.max() < 2


@pytest.mark.parametrize('task', ['detect', 'segment'])
def test_our_own_heads_are_decoded_so_too(small_network, task, tmp_path, roof_bgr):
    tasks = import_quietly('ultralytics.nn.tasks')
    kind = {'detect': tasks.DetectionModel, 'segment': tasks.SegmentationModel}[task]
    description = tmp_path / f'yolo11n-small-{task}.yaml'
    description.write_text(small_network(task).replace(task.title(), f'DyHead{task.title()}'))
    model = kind(str(description), nc=2, verbose=False)
    torch.manual_seed(0)
    for weights in model.model[-1].cv2.parameters():
        torch.nn.init.normal_(weights, std=0.2)  # fresh ones make all boxes alike
    path = tmp_path / 'any.pt'
    torch.save({'model': model, 'train_args': {'imgsz': 160}}, path)
    with Detector.open(path, device='cpu', precision='bf16') as detector:
        (said,) = detector.infer(detector.preprocess(roof_bgr))
    sizes = said.raw.predictions[2:4]
    # In bf16 a size of 32 pixels and more is a multiple of an eighth.
    large = sizes[sizes > 32]
    assert len(large) > 10
    assert (large % 0.125 != 0).mean() > 0.9
