# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import warnings

import numpy as np
import onnxruntime
import pytest
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import Fail
from torch.testing import assert_close
from ultralytics.nn.tasks import DetectionModel

from roof_detector.blocks.registry import registered
from roof_detector.blocks.scan.ss2d import SS2D
from roof_detector.blocks.scan.vss_block import C3k2_VSS, VSSBlock
from roof_detector.inference.openvino_core import openvino_core

CLOSE = {'rtol': 2e-5, 'atol': 2e-5}
TRACED = (1, 8, 9, 7)
# Other batches and sizes of at most 64 pixels, to which the doublings for 63 reach.
SMALLER = ((3, 8, 9, 7), (2, 8, 8, 8), (2, 8, 3, 1), (1, 8, 1, 1))
TOO_LARGE = (1, 8, 9, 8)


@pytest.fixture(scope='module')
def block():
    torch.manual_seed(0)
    return VSSBlock(8, 12, d_state=2).eval()


@pytest.fixture(scope='module')
def onnx_file(block, tmp_path_factory):
    """Return the block exported as ultralytics exports, with dynamic batch and size."""
    path = tmp_path_factory.mktemp('vss') / 'vss.onnx'
    axes = {0: 'batch', 2: 'height', 3: 'width'}
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(
            block,
            (torch.randn(TRACED),),
            str(path),
            opset_version=17,
            dynamo=False,
            input_names=['x'],
            output_names=['y'],
            dynamic_axes={'x': axes, 'y': axes},
        )
    return path


def numpy_and_wanted(block, shape):
    x = torch.randn(shape)
    with torch.no_grad():
        return x.numpy(), block(x)


@pytest.mark.parametrize(('c1', 'c2'), [(8, 8), (8, 12), (1, 1)])
@pytest.mark.parametrize('size', [(1, 1), (1, 4), (5, 3)])
def test_the_block_gives_any_size_its_new_channels(c1, c2, size):
    block = VSSBlock(c1, c2)
    x = torch.randn(2, c1, *size, requires_grad=True)
    y = block(x)
    assert y.shape == (2, c2, *size)
    y.square().sum().backward()
    assert all(bool(torch.isfinite(p.grad).all()) for p in block.parameters())


def test_the_stage_has_one_block_for_each_repeat():
    stage = C3k2_VSS(8, 16, n=3, e=0.25)
    assert stage(torch.randn(2, 8, 6, 5)).shape == (2, 16, 6, 5)
    assert [type(inner) for inner in stage.m] == [VSSBlock] * 3


def test_both_are_registered_for_model_files():
    assert registered()['VSSBlock'].block is VSSBlock
    assert registered()['C3k2_VSS'].block is C3k2_VSS


@pytest.mark.parametrize('name', ['VSSBlock', 'C3k2_VSS'])
def test_a_model_row_with_options_builds(name):
    rows = [[-1, 1, 'Conv', [16, 3, 2]], [-1, 2, name, [16, {'d_state': 3}]]]
    model = DetectionModel(
        {'nc': 1, 'backbone': rows, 'head': [[[0, 1], 1, 'Detect', ['nc']]]}, verbose=False
    )
    scans = [module for module in model.modules() if isinstance(module, SS2D)]
    assert [scan.d_state for scan in scans] == [3, 3]


def test_training_lowers_the_loss():
    block = VSSBlock(4, 4)
    x, target = torch.randn(2, 4, 6, 6), torch.randn(2, 4, 6, 6)
    optimizer = torch.optim.Adam(block.parameters(), 1e-2)
    losses = []
    for _ in range(20):
        loss = (block(x) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_onnx_equals_torch_for_any_batch_and_smaller_sizes(block, onnx_file):
    session = onnxruntime.InferenceSession(onnx_file, providers=['CPUExecutionProvider'])
    for shape in (TRACED, *SMALLER):
        x, wanted = numpy_and_wanted(block, shape)
        assert_close(torch.from_numpy(session.run(None, {'x': x})[0]), wanted, **CLOSE)


def test_openvino_equals_torch_for_any_batch_and_smaller_sizes(block, onnx_file):
    core = openvino_core()
    options = {'INFERENCE_PRECISION_HINT': 'f32', 'INFERENCE_NUM_THREADS': 1}
    model = core.compile_model(core.read_model(onnx_file), 'CPU', options)
    for shape in (TRACED, *SMALLER):
        x, wanted = numpy_and_wanted(block, shape)
        assert_close(torch.from_numpy(model(x)[0]), wanted, **CLOSE)


def test_an_exported_graph_refuses_a_size_that_its_doublings_do_not_reach(onnx_file):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(onnx_file, options, providers=['CPUExecutionProvider'])
    with pytest.raises(Fail, match='while running'):
        session.run(None, {'x': np.zeros(TOO_LARGE, np.float32)})


@pytest.mark.filterwarnings('ignore')
def test_torchscript_equals_torch_and_refuses_larger_sizes(block):
    traced = torch.jit.trace(block, torch.randn(TRACED))
    for shape in (TRACED, *SMALLER):
        x = torch.randn(shape)
        assert_close(traced(x), block(x), **CLOSE)
    with pytest.raises(RuntimeError, match='size'):
        traced(torch.zeros(TOO_LARGE))


@pytest.mark.filterwarnings('ignore')
def test_a_graph_traced_on_one_pixel_refuses_more():
    block = VSSBlock(4, 4).eval()
    traced = torch.jit.trace(block, torch.randn(1, 4, 1, 1))
    with pytest.raises(RuntimeError, match='size'):
        traced(torch.zeros(1, 4, 1, 3))
