# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from roof_detector.blocks import BlocksError, DyHeadBlock

EXACT = {'rtol': 1e-9, 'atol': 1e-10}
OWN_NAMES = {
    'spatial_conv_high.conv.': 'coarser.',
    'spatial_conv_high.norm.': 'coarser.norm.',
    'spatial_conv_mid.conv.': 'same.',
    'spatial_conv_mid.norm.': 'same.norm.',
    'spatial_conv_low.conv.': 'finer.',
    'spatial_conv_low.norm.': 'finer.norm.',
    'spatial_conv_offset.': 'offset_and_mask.',
    'scale_attn_module.1.': 'scale.',
    'task_attn_module.conv1.conv.': 'activation.squeeze.',
    'task_attn_module.conv2.conv.': 'activation.excite.',
}


def own_state(published):
    return {
        OWN_NAMES[key.removesuffix(leaf)] + leaf: value
        for key, value in published.items()
        for leaf in [key.rpartition('.')[2]]
    }


def published(oracle, name, coarse):
    case = oracle(name)
    model = DyHeadBlock(16, coarse=coarse).double()
    model.load_state_dict(own_state(case.state))
    return case, model, [case[f'in.x{level}'] for level in range(3)]


def pyramid(channels, sizes, batch=1, dtype=torch.float32):
    return [torch.randn(batch, channels, *size, dtype=dtype) for size in sizes]


def disturb(model, scale=0.3):
    """Give the offset convolution weights, which start at zero."""
    torch.nn.init.normal_(model.offset_and_mask.weight, std=scale)
    return model


def test_no_levels_give_no_levels():
    assert DyHeadBlock(16)([]) == []


def test_an_empty_batch_gives_an_empty_batch():
    levels = DyHeadBlock(16)(pyramid(16, [(4, 4), (2, 2)], batch=0))
    assert [tuple(x.shape) for x in levels] == [(0, 16, 4, 4), (0, 16, 2, 2)]


@pytest.mark.parametrize('name', ['dyhead_mmdet_even_zerooff', 'dyhead_mmdet_odd_randoff'])
@pytest.mark.parametrize(('coarse', 'remedy'), [('resize', 'fixC'), ('upsample', 'fixA')])
def test_each_remedy_matches_its_oracle_at_every_level(oracle, name, coarse, remedy):
    case, model, levels = published(oracle, name, coarse)
    for level, y in enumerate(model(levels)):
        assert_close(y, case[f'out.{remedy}.level{level}'], **EXACT)


def test_by_default_offsets_of_zero_give_the_published_block(oracle):
    case = oracle('dyhead_mmdet_even_zerooff')
    model = DyHeadBlock(16).double()
    model.load_state_dict(own_state(case.state))
    for level, y in enumerate(model([case[f'in.x{level}'] for level in range(3)])):
        assert_close(y, case[f'out.mmdet330.level{level}'], **EXACT)


def test_the_coarsest_level_needs_no_remedy_and_is_the_published_one(oracle):
    case, model, levels = published(oracle, 'dyhead_mmdet_odd_randoff', 'resize')
    assert_close(model(levels)[2], case['out.mmdet330.level2'], **EXACT)


@pytest.mark.parametrize('coarse', ['resize', 'upsample'])
def test_gradients_agree_with_finite_differences(coarse):
    model = DyHeadBlock(2, coarse=coarse).double()
    for weight in model.parameters():  # at the initial ones a mean of 0 meets the kink of a ReLU
        torch.nn.init.normal_(weight, std=0.3)
    levels = pyramid(2, [(8, 7), (4, 4), (2, 2)], dtype=torch.float64)
    for x in levels:
        x.requires_grad_()
    weights = [*model.parameters()]

    def forward(*tensors):
        return tuple(model(tensors[:3]))

    assert torch.autograd.gradcheck(forward, (*levels, *weights), fast_mode=True)


@pytest.mark.parametrize('coarse', ['resize', 'upsample'])
def test_every_parameter_learns_from_the_first_step(coarse):
    model = DyHeadBlock(16, coarse=coarse)
    sum(
        (y * torch.randn_like(y)).sum() for y in model(pyramid(16, [(8, 6), (4, 3)], 2))
    ).backward()
    for key, weight in model.named_parameters():
        assert weight.grad is not None, key
        assert weight.grad.abs().max() > 0, key


@pytest.mark.parametrize(
    'sizes', [[(7, 5)], [(9, 11), (5, 6), (3, 3), (2, 2), (1, 1)], [(1, 1)] * 3]
)
@pytest.mark.parametrize('norm', ['GN', 'BN'])
@pytest.mark.parametrize('coarse', ['resize', 'upsample'])
def test_any_number_of_levels_and_odd_sizes_pass(sizes, norm, coarse):
    model = disturb(DyHeadBlock(20, norm, coarse=coarse)).eval()
    levels = model(pyramid(20, sizes, batch=2))
    assert [tuple(x.shape[2:]) for x in levels] == sizes
    assert all(torch.isfinite(x).all() for x in levels)


def test_samples_of_a_batch_do_not_influence_each_other():
    model = disturb(DyHeadBlock(16))
    levels = pyramid(16, [(6, 5), (3, 3)], batch=3)
    together = model(levels)
    for index in range(3):
        alone = model([x[index : index + 1] for x in levels])
        for one, all_of_them in zip(alone, together, strict=True):
            assert_close(one[0], all_of_them[index])


def test_levels_that_do_not_halve_are_refused():
    with pytest.raises(BlocksError, match=r'The offset has shape .*, expected \(1, 18, 4, 4\)'):
        DyHeadBlock(16)(pyramid(16, [(8, 8), (3, 3)]))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_stays_near_full_precision(dtype):
    model = disturb(DyHeadBlock(16), 0.05).eval()
    levels = pyramid(16, [(8, 8), (4, 4)])
    full = model(levels)
    for half, y in zip(model.to(dtype)([x.to(dtype) for x in levels]), full, strict=True):
        assert_close(half.float(), y, rtol=0.1, atol=0.1)


@pytest.mark.parametrize(
    ('options', 'message'),
    [({'norm': 'LN'}, "no norm 'LN'"), ({'coarse': 'crop'}, 'choose resize or upsample')],
)
def test_unknown_options_are_refused(options, message):
    with pytest.raises(BlocksError, match=message):
        DyHeadBlock(16, **options)
