# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import openvino
import pytest
import torch
from torch.nn import functional as F
from ultralytics import YOLO

from roof_detector.blocks.model_files import model_files

FILES = [path.name for path in model_files()]
LARGEST = 96
BOX_TOLERANCE_PX = 0.1
SCORE_TOLERANCE = 1e-3

# Exports take minutes on a processor that others use as well.
pytestmark = pytest.mark.timeout(900)


def saved(zoo, file_name, folder):
    path = folder / f'{Path(file_name).stem}.pt'
    torch.save({'model': zoo.lively(file_name)}, path)
    return path


@pytest.mark.parametrize('file_name', FILES)
def test_exports_agree_with_torch_at_other_sizes_and_batches(zoo, pictures, tmp_path, file_name):
    checkpoint = saved(zoo, file_name, tmp_path)
    model = zoo.lively(file_name)
    runners = [exported_to(checkpoint, suffix) for suffix in ('onnx', 'openvino', 'torchscript')]
    for batch, size in ((1, (LARGEST, LARGEST)), (2, (64, LARGEST))):
        x = F.interpolate(pictures['img'][:batch], size)
        with torch.no_grad():
            expected = model(x)[0]
        for run in runners:
            assert_same_detections(run(x), expected)


def exported_to(checkpoint, suffix):
    path = YOLO(checkpoint).export(format=suffix, imgsz=LARGEST, dynamic=True, verbose=False)
    if suffix == 'onnx':
        session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
        return lambda x: session.run(None, {'images': x.numpy()})
    if suffix == 'openvino':
        xml = next(Path(path).glob('*.xml'))
        hints = {'INFERENCE_PRECISION_HINT': 'f32'}
        compiled = openvino.Core().compile_model(xml, 'CPU', hints)
        return lambda x: list(compiled(x.numpy()).values())
    scripted = torch.jit.load(path)

    def run(x):
        with torch.no_grad():
            outputs = scripted(x)
        return [part.numpy() for part in ([outputs] if torch.is_tensor(outputs) else outputs)]

    return run


def assert_same_detections(found, expected):
    expected = [expected] if isinstance(expected, torch.Tensor) else list(expected)
    boxes_and_scores = expected[0].numpy()
    assert found[0].shape == boxes_and_scores.shape
    assert boxes_and_scores[:, 4:7].std() > 0.05, 'scores without spread would prove nothing'
    np.testing.assert_allclose(
        found[0][:, :4], boxes_and_scores[:, :4], rtol=0, atol=BOX_TOLERANCE_PX
    )
    np.testing.assert_allclose(
        found[0][:, 4:7], boxes_and_scores[:, 4:7], rtol=0, atol=SCORE_TOLERANCE
    )
    for masks, expected_masks in zip(found[1:], expected[1:], strict=True):
        np.testing.assert_allclose(masks, expected_masks.numpy(), rtol=1e-3, atol=1e-3)


def test_a_fresh_process_fuses_saves_and_reloads_every_model_alike(zoo, tmp_path):
    """One process, which imports nothing of ours, answers for all models."""
    for file_name in FILES:
        saved(zoo, file_name, tmp_path)
    program = """
from pathlib import Path
import torch
from ultralytics import YOLO
torch.set_num_threads(1)
x = torch.linspace(0, 1, 3 * 64 * 64).reshape(1, 3, 64, 64).sin()
for path in sorted(Path().glob('*.pt')):
    model = YOLO(path)
    model.fuse()
    saved = Path('fused-' + path.name)
    model.save(saved)
    with torch.no_grad():
        torch.save(YOLO(saved).model.eval()(x)[0], path.with_suffix('.out'))
"""
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
    command = [sys.executable, '-W', 'ignore', '-c', program]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    x = torch.linspace(0, 1, 3 * 64 * 64).reshape(1, 3, 64, 64).sin()
    for name in FILES:
        with torch.no_grad():
            expected = zoo.lively(name)(x)[0]
        reloaded = torch.load(tmp_path / f'{Path(name).stem}.out')
        reloaded = [reloaded] if torch.is_tensor(reloaded) else list(reloaded)
        assert_same_detections([part.numpy() for part in reloaded], expected)
