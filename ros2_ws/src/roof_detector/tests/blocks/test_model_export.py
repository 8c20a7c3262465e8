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

from roof_detector.inference.openvino_core import openvino_core

# What flies, as it flies; every other block and head in a small network of its own.
FLIES = 'yolo11-ContextGuided.yaml'
LARGEST = 96
# A network with one stage between its strides: tracing takes a second for each stage.
SMALL = """
nc: 80
scales:
  n: [0.50, 0.25, 1024]
backbone:
  - [-1, 1, Conv, [64, 3, 2]]
  - [-1, 1, Conv, [128, 3, 2]]
  - [-1, 1, Conv, [256, 3, 2]]
  - [-1, 2, {stage}]
  - [-1, 1, {down}, [256, 3, 2]]
  - [-1, 1, Conv, [256, 3, 2]]
head:
  - [[3, 4, 5], 1, {head}]
"""
DETECT, MASKS = '[nc]', '[nc, 32, 256]'
# Stage with its arguments, downsampling, head. The last three sample or scan: what onnxslim might
# break goes through it, and OpenVINO takes their traces too; the others are convolutions.
PLAIN = [
    ('C3k2_ContextGuided, [256, False]', 'ContextGuidedDown', f'Segment, {MASKS}'),
    ('C3k2_KALN, [256, False]', 'Conv', f'Detect, {DETECT}'),
    ('MSBlock, [256, {kernel_sizes: [1, 5, 5], in_down_ratio: 2}]', 'Conv', f'Detect, {DETECT}'),
]
INTRICATE = [
    ('C3k2, [256, False]', 'Conv', f'DyHeadSegment, {MASKS}'),
    ('C3k2_SnakeConv, [256, False]', 'Conv', f'Detect, {DETECT}'),
    ('C3k2_VSS, [256, False]', 'Conv', f'Detect, {DETECT}'),
]
BOX_TOLERANCE_PX = 0.1
SCORE_TOLERANCE = 1e-3

# Exports take minutes on a processor that others use as well.
pytestmark = pytest.mark.timeout(900)


def saved(zoo, file_name, folder):
    path = folder / f'{Path(file_name).stem}.pt'
    torch.save({'model': zoo.lively(file_name)}, path)
    return path


def small_file(folder, stage, down, head):
    """Write a small network; return the name that ultralytics reads it by."""
    text = SMALL.format(stage=stage, down=down, head=head)
    (folder / 'yolo11n-small.yaml').write_text(text)
    return str(folder / 'yolo11-small.yaml')


@pytest.mark.parametrize('parts', [*PLAIN, *INTRICATE], ids=lambda one: f'{one[0]} {one[2]}')
def test_onnx_exports_agree_with_torch_at_other_sizes_and_batches(zoo, images, tmp_path, parts):
    file_name = small_file(tmp_path, *parts)
    assert_onnx_agrees(zoo, images, tmp_path, file_name, simplify=parts in INTRICATE)


def test_the_network_that_flies_agrees_with_torch_at_other_sizes_and_batches(
    zoo, images, tmp_path
):
    assert_onnx_agrees(zoo, images, tmp_path, FLIES, simplify=False)


def assert_onnx_agrees(zoo, images, folder, file_name, *, simplify):
    path = exported(zoo, file_name, folder, 'onnx', simplify=simplify)
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    openvino_model = compiled(openvino_core().read_model(path))
    assert_agrees(
        zoo.lively(file_name),
        images,
        lambda x: session.run(None, {'images': x.numpy()}),
        lambda x: list(openvino_model(x.numpy()).values()),
    )


@pytest.mark.parametrize('parts', INTRICATE, ids=lambda one: f'{one[0]} {one[2]}')
def test_traces_agree_with_torch_as_they_stand_and_in_openvino(zoo, images, tmp_path, parts):
    """OpenVINO converts the very trace that TorchScript saves, as its exporter does."""
    file_name = small_file(tmp_path, *parts)
    traced = torch.jit.load(exported(zoo, file_name, tmp_path, 'torchscript'))
    example = F.interpolate(images['img'][:1], (LARGEST, LARGEST))
    openvino_model = compiled(openvino.convert_model(traced, example_input=example))

    def run(x):
        with torch.no_grad():
            outputs = traced(x)
        return [part.numpy() for part in ([outputs] if torch.is_tensor(outputs) else outputs)]

    assert_agrees(
        zoo.lively(file_name), images, run, lambda x: list(openvino_model(x.numpy()).values())
    )


def exported(zoo, file_name, folder, suffix, **options):
    checkpoint = saved(zoo, file_name, folder)
    return YOLO(checkpoint).export(
        format=suffix, imgsz=LARGEST, dynamic=True, verbose=False, **options
    )


def compiled(openvino_model):
    hints = {'INFERENCE_PRECISION_HINT': 'f32'}
    return openvino_core().compile_model(openvino_model, 'CPU', hints)


def assert_agrees(model, images, *runners):
    for batch, size in ((1, (LARGEST, LARGEST)), (2, (64, LARGEST))):
        x = F.interpolate(images['img'][:batch], size)
        with torch.no_grad():
            expected = model(x)[0]
        for run in runners:
            assert_same_detections(run(x), expected)


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


def test_a_fresh_process_fuses_saves_and_reloads_every_block_alike(zoo, tmp_path):
    """One process, which imports nothing of ours, answers for all blocks."""
    names = {}
    for number, parts in enumerate([*PLAIN, *INTRICATE]):
        folder = tmp_path / str(number)
        folder.mkdir()
        names[folder] = small_file(folder, *parts)
        saved(zoo, names[folder], folder)
    program = """
from pathlib import Path
import torch
from ultralytics import YOLO
torch.set_num_threads(1)
x = torch.linspace(0, 1, 3 * 64 * 64).reshape(1, 3, 64, 64).sin()
for path in sorted(Path().glob('*/yolo11-small.pt')):
    model = YOLO(path)
    model.model.fuse(verbose=False)  # without counting its operations, which takes seconds
    saved = path.with_name('fused.pt')
    model.save(saved)
    with torch.no_grad():
        torch.save(YOLO(saved).model.eval()(x)[0], path.with_name('answer'))
"""
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
    command = [sys.executable, '-W', 'ignore', '-c', program]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    x = torch.linspace(0, 1, 3 * 64 * 64).reshape(1, 3, 64, 64).sin()
    for folder, name in names.items():
        with torch.no_grad():
            expected = zoo.lively(name)(x)[0]
        reloaded = torch.load(folder / 'answer')
        reloaded = [reloaded] if torch.is_tensor(reloaded) else list(reloaded)
        assert_same_detections([part.numpy() for part in reloaded], expected)
