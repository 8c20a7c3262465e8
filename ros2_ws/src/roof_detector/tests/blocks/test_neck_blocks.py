# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The blocks of necks and the libraries' stages, by what their papers say of them."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close
from ultralytics.nn.tasks import DetectionModel

from roof_detector.blocks import BlocksError
from roof_detector.blocks.carafe import CARAFE
from roof_detector.blocks.library_stage import LIBRARY_BLOCKS, LibraryStage
from roof_detector.blocks.mixed_pool import MixedPool
from roof_detector.blocks.scale_sequence import ScaleSequence
from roof_detector.blocks.weighted_fusion import WeightedFusion


@pytest.mark.parametrize('size', [(1, 1), (3, 4)])
def test_carafe_is_the_reassembly_of_equation_2(size):
    block = CARAFE(4, 4, kernel=3, hidden=6).double()
    x = torch.randn(2, 4, *size, dtype=torch.float64)
    encoded = F.pixel_shuffle(block.encode(block.compress(x)), 2)  # (2, 9, 2 h, 2 w)
    weights = encoded.softmax(1)
    padded = F.pad(x, (1, 1, 1, 1))
    expected = torch.zeros(2, 4, 2 * size[0], 2 * size[1], dtype=torch.float64)
    for row in range(2 * size[0]):
        for column in range(2 * size[1]):
            around = padded[:, :, row // 2 : row // 2 + 3, column // 2 : column // 2 + 3]
            kernel = weights[:, :, row, column].reshape(2, 1, 3, 3)
            expected[:, :, row, column] = (around * kernel).sum((2, 3))
    assert_close(block(x), expected, rtol=1e-6, atol=1e-7)  # the softmax is taken in float32


def test_carafe_sees_its_kernel_and_no_farther():
    x = torch.randn(1, 4, 9, 9).requires_grad_()
    CARAFE(4, 4)(x)[0, :, 8, 8].sum().backward()
    seen = x.grad[0].abs().sum(0).nonzero()
    assert (seen.min().item(), seen.max().item()) == (2, 6)
    for wrong in ({'kernel': 4}, {'kernel': 1}):
        with pytest.raises(BlocksError, match='odd number'):
            CARAFE(4, 4, **wrong)
    with pytest.raises(BlocksError, match='16 come in and 32'):
        CARAFE(16, 32)


def test_a_weighted_fusion_is_normalised_and_never_negative():
    block = WeightedFusion(inputs=3).double()
    maps = [torch.randn(2, 4, 3, 5, dtype=torch.float64) for _ in range(3)]
    assert_close(block(maps), sum(maps) / 3.0001)
    block.weights.data = torch.tensor([2.0, -1.0, 1.0], dtype=torch.float64)
    assert_close(block(maps), (2 * maps[0] + maps[2]) / 3.0001)
    with pytest.raises(BlocksError, match='3 weights, but 2 maps'):
        block(maps[:2])
    with pytest.raises(BlocksError, match='at least two'):
        WeightedFusion(inputs=1)


def test_a_fusion_takes_its_place_in_a_model_file_and_refuses_arguments():
    rows = {
        'nc': 2,
        'backbone': [[-1, 1, 'Conv', [8, 3, 8]], [-1, 1, 'Conv', [8, 1, 1]]],
        'head': [[[0, 1], 1, 'WeightedFusion', [{'inputs': 2}]], [[2], 1, 'Detect', ['nc']]],
    }
    model = DetectionModel(rows, verbose=False)
    assert isinstance(model.model[2], WeightedFusion)
    rows['head'][0][3].insert(0, 64)
    with pytest.raises(BlocksError, match=r'no arguments but its options, not \[64\]'):
        DetectionModel(rows, verbose=False)


def test_a_scale_sequence_is_the_3d_convolution_of_the_paper():
    torch.manual_seed(0)
    block = ScaleSequence(12, 4)
    x = torch.randn(2, 12, 3, 5)
    volume = x.reshape(2, 3, 4, 3, 5).transpose(1, 2)
    norm = nn.BatchNorm3d(4, eps=block.filter.bn.eps)
    filtered = norm(F.conv3d(volume, block.filter.conv.weight[..., None]))
    expected = F.max_pool3d(F.leaky_relu(filtered, 0.1), (3, 1, 1))[:, :, 0]
    assert_close(block(x), expected)
    with pytest.raises(BlocksError, match='not of 12'):
        ScaleSequence(12, 6)


@pytest.mark.parametrize('size', [(4, 6), (5, 7), (1, 1)])
def test_a_mixed_pool_adds_the_maximum_and_the_mean(size):
    block = MixedPool(3, 8).eval()
    x = torch.randn(2, 3, *size)
    y = block(x)
    assert y.shape == (2, 8, -(-size[0] // 2), -(-size[1] // 2))
    corner = block.project(x)[:, :, :2, :2]
    assert_close(y[:, :, 0, 0], corner.amax((2, 3)) + corner.mean((2, 3)))
    with pytest.raises(BlocksError, match='not 3 and 2'):
        MixedPool(3, 8, 3, 2)


@pytest.mark.parametrize('kind', LIBRARY_BLOCKS)
def test_a_stage_of_a_library_learns_at_any_size_and_number_of_channels(kind):
    torch.manual_seed(0)
    for c1, c2, c3k, size in ((8, 32, False, (1, 1)), (12, 96, True, (3, 5))):
        block = LibraryStage(c1, c2, 2, c3k=c3k, kind=kind)
        x = torch.randn(2, c1, *size).requires_grad_()
        y = block(x)
        assert y.shape == (2, c2, *size)
        y.square().sum().backward()
        assert torch.isfinite(x.grad).all()
        assert all(
            one.grad is not None and torch.isfinite(one.grad).all() for one in block.parameters()
        )
        constant = block.eval()(torch.ones(2, c1, *size))
        assert_close(constant[0], constant[1])


def test_a_block_that_no_library_has_is_refused():
    with pytest.raises(BlocksError, match="no block 'resnext'"):
        LibraryStage(8, 8, kind='resnext')
    with pytest.raises(BlocksError, match='cannot have 4 channels'):
        LibraryStage(8, 8, kind='inception_next')
