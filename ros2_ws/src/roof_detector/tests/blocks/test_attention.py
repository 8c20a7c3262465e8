# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The attention modules, and the changes of size, by what their papers say of them."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from roof_detector.blocks import BlocksError
from roof_detector.blocks.dysample import DySample
from roof_detector.blocks.ema import EMA
from roof_detector.blocks.lska import LSKA
from roof_detector.blocks.simam import SimAM
from roof_detector.blocks.spd_conv import SPDConv
from roof_detector.blocks.timm_attention import ATTENTION_KINDS, TimmAttention
from roof_detector.blocks.timm_backbone import TimmBackbone

KEEPING = {
    **{kind: lambda c, kind=kind: TimmAttention(c, c, kind=kind) for kind in ATTENTION_KINDS},
    'simam': lambda c: SimAM(c, c),
    'lska': lambda c: LSKA(c, c),
    'ema': lambda c: EMA(c, c),
}


@pytest.mark.parametrize('name', KEEPING)
@pytest.mark.parametrize('size', [(1, 1), (3, 8)])
def test_attention_keeps_the_shape_and_has_finite_gradients(name, size):
    torch.manual_seed(0)
    block = KEEPING[name](16).eval()
    for x in (torch.randn(2, 16, *size), torch.ones(2, 16, *size)):
        y = block(x.requires_grad_())
        assert y.shape == x.shape
        y.sum().backward()
        assert torch.isfinite(x.grad).all()
    x = torch.randn(2, 16, *size)
    assert_close(block(x)[:1], block(x[:1]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('block', [SimAM, LSKA, EMA, DySample])
def test_a_block_that_keeps_channels_refuses_others(block):
    with pytest.raises(BlocksError, match='16 come in and 32'):
        block(16, 32)


def test_simam_weighs_by_the_least_energy_of_equation_5():
    x = torch.randn(1, 2, 4, 5, dtype=torch.float64)
    y = SimAM(2, 2, regularisation=1e-4)(x)
    for channel in range(2):
        values = x[0, channel]
        variance = values.flatten().var(correction=1)
        energy = 4 * (variance + 1e-4) / ((values - values.mean()) ** 2 + 2 * variance + 2e-4)
        assert_close(y[0, channel], values * torch.sigmoid(1 / energy))


def test_lska_sees_its_kernel_and_no_farther():
    block = LSKA(1, 1, kernel=23, dilation=3).double()
    for layer in (block.near_x, block.near_y, block.far_x, block.far_y, block.mix):
        torch.nn.init.ones_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    x = torch.ones(1, 1, 41, 41, dtype=torch.float64).requires_grad_()
    # The attention at the middle, without its product with x there.
    weights = block.mix(block.far_y(block.far_x(block.near_y(block.near_x(x)))))
    weights[0, 0, 20, 20].backward()
    seen = x.grad[0, 0].nonzero()
    assert (seen.min(0).values.tolist(), seen.max(0).values.tolist()) == ([9, 9], [31, 31])


def test_ema_weighs_each_group_alike_in_all_its_channels():
    torch.manual_seed(0)
    block = EMA(16, 16, groups=4).double()
    x = torch.rand(1, 16, 5, 6, dtype=torch.float64) + 1
    weights = (block(x) / x).reshape(4, 4, 5, 6)
    assert_close(weights, weights[:, :1].expand_as(weights))
    assert ((weights > 0) & (weights < 1)).all()
    with pytest.raises(BlocksError, match='do not divide'):
        EMA(12, 12)


@pytest.mark.parametrize('size', [(4, 6), (5, 7), (1, 1)])
def test_spd_conv_halves_and_loses_no_value(size):
    block = SPDConv(3, 8).eval()
    x = torch.randn(2, 3, *size).requires_grad_()
    y = block(x)
    assert y.shape == (2, 8, -(-size[0] // 2), -(-size[1] // 2))
    y.square().sum().backward()
    assert (x.grad != 0).all()


def test_dysample_without_offsets_is_bilinear_interpolation():
    block = DySample(8, 8).double()
    torch.nn.init.zeros_(block.offset.weight)
    x = torch.randn(2, 8, 5, 7, dtype=torch.float64)
    expected = F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)
    assert_close(block(x), expected)


def test_dysample_moves_its_points_by_a_quarter_of_the_offset():
    block = DySample(4, 4, groups=1).double()
    torch.nn.init.zeros_(block.offset.weight)
    # One pixel down and none to the right, at each of the four places.
    block.offset.bias.data = torch.tensor([4.0] * 4 + [0.0] * 4, dtype=torch.float64)
    x = torch.arange(6.0, dtype=torch.float64)[None, None, :, None].expand(1, 4, 6, 3)
    rows = block(x)[0, 0, :, 0]
    assert_close(rows, ((torch.arange(12) + 0.5) / 2 - 0.5 + 1).double().clamp(0, 5))


@pytest.mark.parametrize('name', ['lcnet_035', 'dla46_c'])
def test_a_timm_backbone_gives_the_maps_of_its_strides(name):
    block = TimmBackbone(3, name=name).eval()
    maps = block(torch.zeros(1, 3, 64, 96))
    assert [one.shape[2:] for one in maps] == [(8, 12), (4, 6), (2, 3)]
    assert [one.shape[1] for one in maps] == block.channels


def test_a_backbone_that_does_not_exist_or_fit_is_refused():
    with pytest.raises(BlocksError, match='Did you mean lcnet_035'):
        TimmBackbone(3, name='lcnet_036')
    with pytest.raises(BlocksError, match='choose another backbone'):
        TimmBackbone(3, name='efficientvit_m0')
