# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close
from torchvision.ops import deform_conv2d

from roof_detector.blocks import BlocksError, modulated_deform_conv2d

EXACT = {'rtol': 1e-9, 'atol': 1e-10}


def test_an_empty_batch_gives_an_empty_batch():
    y = modulated_deform_conv2d(
        torch.zeros(0, 4, 5, 6),
        torch.zeros(0, 18, 5, 6),
        torch.zeros(0, 9, 5, 6),
        torch.randn(7, 4, 3, 3),
    )
    assert y.shape == (0, 7, 5, 6)


@pytest.mark.parametrize(('name', 'stride'), [('dcnv2_basic', 1), ('dcnv2_s2_odd', 2)])
def test_output_and_every_gradient_match_the_published_operator(oracle, name, stride):
    case = oracle(name)
    inputs = case.under('in.')
    cotangent = inputs.pop('ct')
    inputs |= case.state
    for tensor in inputs.values():
        tensor.requires_grad_()
    y = modulated_deform_conv2d(**inputs, stride=stride)
    assert_close(y, case['out.y'], **EXACT)
    (y * cotangent).sum().backward()
    expected = case.under('grad.')
    assert set(expected) == set(inputs)
    for key, gradient in expected.items():
        assert_close(inputs[key].grad, gradient, msg=lambda m, key=key: f'{key}: {m}', **EXACT)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_geometry_agrees_with_torchvision(data):
    draw = data.draw
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    padding = tuple(
        draw(st.integers(d * (k - 1) // 2, 3)) for k, d in zip(kernel, dilation, strict=True)
    )
    size = tuple(
        draw(st.integers(max(1, d * (k - 1) + 1 - 2 * p), 9))
        for k, d, p in zip(kernel, dilation, padding, strict=True)
    )
    groups, deform_groups = draw(st.sampled_from([(1, 1), (2, 1), (1, 2), (2, 4)]))
    batch, taps = draw(st.integers(1, 3)), kernel[0] * kernel[1]
    out = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, p, d, k, s in zip(size, padding, dilation, kernel, stride, strict=True)
    ]
    random = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))

    def normal(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=random)

    x, offset = normal(batch, 4, *size), 3 * normal(batch, 2 * deform_groups * taps, *out)
    mask = draw(st.sampled_from([None, normal(batch, deform_groups * taps, *out)]))
    weight, bias = normal(6, 4 // groups, *kernel), normal(6)
    y = modulated_deform_conv2d(
        x,
        offset,
        mask,
        weight,
        bias,
        stride,
        padding,
        dilation,
        groups=groups,
        deform_groups=deform_groups,
    )
    expected = deform_conv2d(x, offset, weight, bias, stride, padding, dilation, mask)
    assert_close(y, expected, **EXACT)


def test_without_offsets_it_is_the_plain_convolution():
    x, weight, bias = torch.randn(2, 4, 1, 7), torch.randn(5, 4, 3, 3), torch.randn(5)
    y = modulated_deform_conv2d(x, torch.zeros(2, 18, 1, 7), None, weight, bias)
    assert_close(y, torch.nn.functional.conv2d(x, weight, bias, padding=1))


@pytest.mark.parametrize(
    ('offset', 'mask', 'named'),
    [((1, 18, 4, 4), (1, 9, 8, 8), 'offset'), ((1, 18, 8, 8), (1, 9, 4, 4), 'mask')],
)
def test_offsets_or_masks_of_another_level_are_refused_instead_of_misread(offset, mask, named):
    with pytest.raises(BlocksError, match=rf'The {named} has shape .* at the size of the output'):
        modulated_deform_conv2d(
            torch.zeros(1, 2, 8, 8),
            torch.zeros(offset),
            torch.zeros(mask),
            torch.zeros(2, 2, 3, 3),
        )


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_reads_far_pixels_at_their_true_positions(dtype):
    # Column 301 has no bfloat16 of its own: the nearest are 300 and 302.
    x = torch.zeros(1, 1, 1, 400, dtype=dtype)
    x[..., 301] = 1
    weight = torch.ones(1, 1, 1, 1, dtype=dtype)
    y = modulated_deform_conv2d(x, torch.zeros(1, 2, 1, 400, dtype=dtype), None, weight, padding=0)
    assert y.dtype is dtype
    assert y.float().argmax() == 301
    assert y.float().sum() == pytest.approx(1, abs=1e-2)


def test_autocast_keeps_positions_in_full_precision():
    x, weight = torch.zeros(1, 1, 1, 400), torch.ones(1, 1, 1, 1)
    x[..., 301] = 1
    offset = torch.zeros(1, 2, 1, 400, dtype=torch.bfloat16)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        y = modulated_deform_conv2d(x, offset, None, weight, padding=0)
    assert y.dtype is torch.bfloat16
    assert y.float().argmax() == 301
