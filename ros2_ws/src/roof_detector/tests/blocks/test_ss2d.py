# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from roof_detector.blocks.scan.cross_scan import cross_merge, cross_scan
from roof_detector.blocks.scan.ss2d import SS2D


def test_one_pixel_reads_the_same_in_all_directions():
    image = torch.rand(2, 3, 1, 1)
    assert_close(cross_scan(image), image.flatten(2).unsqueeze(1).expand(2, 4, 3, 1))


def test_the_four_readings_are_rows_columns_and_both_backwards():
    image = torch.tensor([[1, 2, 3], [4, 5, 6]])[None, None]
    assert cross_scan(image)[0, :, 0].tolist() == [
        [1, 2, 3, 4, 5, 6],
        [1, 4, 2, 5, 3, 6],
        [6, 5, 4, 3, 2, 1],
        [6, 3, 5, 2, 4, 1],
    ]


@settings(deadline=None, max_examples=20)
@given(height=st.integers(1, 7), width=st.integers(1, 7), batch=st.integers(1, 3))
def test_merging_what_was_scanned_gives_four_times_the_image(height, width, batch):
    image = torch.rand(batch, 2, height, width)
    assert_close(cross_merge(cross_scan(image), height=height, width=width), 4 * image)


@pytest.mark.parametrize('size', [(1, 1), (1, 6), (5, 1), (3, 7), (8, 8)])
@pytest.mark.parametrize('training', [True, False])
def test_any_size_keeps_its_shape_and_gives_every_weight_a_gradient(size, training):
    block = SS2D(6, d_state=2, ssm_ratio=1.5).train(training)
    x = torch.randn(2, 6, *size, requires_grad=True)
    y = block(x)
    assert y.shape == x.shape
    (y * torch.randn_like(y)).sum().backward()
    assert bool(torch.isfinite(x.grad).all())
    for name, weight in block.named_parameters():
        assert weight.grad is not None, name
        assert bool(torch.isfinite(weight.grad).all()), name


def test_every_pixel_reaches_every_other():
    block = SS2D(4).double()
    x = torch.randn(1, 4, 5, 6, dtype=torch.float64, requires_grad=True)
    last = (4, 5)
    for i, j in ((0, 0), last, (0, 5), (4, 0)):
        (grad,) = torch.autograd.grad(block(x)[0, :, i, j].square().sum(), x)
        assert float(grad[0, :, last[0] - i, last[1] - j].abs().max()) > 0


def test_an_image_does_not_depend_on_those_beside_it_in_the_batch():
    block = SS2D(4).double()
    x = torch.randn(3, 4, 5, 6, dtype=torch.float64)
    assert_close(block(x)[1:2], block(x[1:2]))


@pytest.mark.parametrize('method', ['sequential', 'log_step', 'chunked'])
def test_the_scan_method_does_not_change_the_block(method):
    block = SS2D(4, d_state=3, method=method).double()
    x = torch.randn(2, 4, 5, 6, dtype=torch.float64)
    y = block(x)
    block.method = 'sequential'
    assert_close(y, block(x), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_autocast_stays_near_single_precision(dtype):
    block = SS2D(16, d_state=4)
    x = torch.randn(2, 16, 12, 9)
    wanted = block(x)
    with torch.autocast('cpu', dtype=dtype):
        y = block(x)
    y.float().square().sum().backward()
    assert bool(torch.isfinite(block.A_log.grad).all())
    assert_close(y.float(), wanted, rtol=0.05, atol=0.05)


def test_a_half_precision_checkpoint_gives_nearly_the_same_block():
    block = SS2D(16, d_state=16)
    x = torch.randn(1, 16, 12, 9)
    wanted = block(x)
    stored = {name: value.half() for name, value in block.state_dict().items()}
    assert all(bool(torch.isfinite(value).all()) for value in stored.values())
    block.load_state_dict(stored)
    assert_close(block(x), wanted, rtol=0.01, atol=0.01)


def test_a_model_in_half_precision_computes_its_decay_in_single_precision():
    block = SS2D(16, d_state=16)
    x = torch.randn(1, 16, 12, 9)
    wanted = block(x)
    y = block.half()(x.half())
    assert y.dtype == torch.float16
    assert_close(y.float(), wanted, rtol=0.02, atol=0.02)


def test_initial_step_sizes_lie_in_the_published_range():
    step = torch.nn.functional.softplus(SS2D(256).dt_bias.detach())
    assert 1e-3 * 0.99 <= float(step.min()) < 2e-3
    assert 5e-2 < float(step.max()) <= 1e-1 * 1.01
