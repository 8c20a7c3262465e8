# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import re

import pytest
import torch
from torch.testing import assert_close

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.ms_block import MSBlock

EXACT = {'rtol': 1e-9, 'atol': 1e-10}
PLACES = {'in_conv': '0', 'mid_conv': '1', 'out_conv': '2'}


def own_name(published):
    """Rename: mid_convs.<branch>.<layer>.<place> becomes branches.<branch>.<layer>.<number>."""
    inner = re.match(r'mid_convs\.(\d+)\.(\d+)\.(\w+)\.(.*)', published)
    if inner:
        branch, layer, place, rest = inner.groups()
        return f'branches.{branch}.{layer}.{PLACES[place]}.{rest}'
    return re.sub('^out_conv', 'join', re.sub('^in_conv', 'expand', published))


@pytest.fixture(params=['msblock_k3', 'msblock_k9', 'msblock_neck_down2'])
def published(request, oracle):
    case = oracle(request.param)
    arguments = dict(case.meta['args'])
    model = MSBlock(
        arguments['in_channel'],
        arguments['out_channel'],
        [size if isinstance(size, int) else size[0] for size in arguments['kernel_sizes']],
        arguments['in_expand_ratio'],
        arguments['mid_expand_ratio'],
        int(arguments['layers_num']),
        arguments['in_down_ratio'],
    ).double()
    model.load_state_dict({own_name(key): value for key, value in case.state.items()})
    return case, model


def test_eval_output_and_every_gradient_match_the_published_block(published):
    case, model = published
    x = case['in.x'].requires_grad_()
    y = model.eval()(x)
    assert_close(y, case['out.eval'], **EXACT)
    (y * case['in.ct']).sum().backward()
    expected = case.under('grad.eval.')
    assert_close(x.grad, expected.pop('x'), **EXACT)
    gradients = {own_name(key): value for key, value in expected.items()}
    assert set(gradients) == {key for key, _ in model.named_parameters()}
    for key, weight in model.named_parameters():
        assert_close(weight.grad, gradients[key], msg=lambda m, key=key: f'{key}: {m}', **EXACT)


def test_training_output_gradient_and_statistics_match_the_published_block(published):
    case, model = published
    x = case['in.x'].requires_grad_()
    y = model.train()(x)
    assert_close(y, case['out.train'], **EXACT)
    (y * case['in.ct']).sum().backward()
    assert_close(x.grad, case['grad.train.x'], **EXACT)
    buffers = dict(model.named_buffers())
    for key, value in case.under('out.train_after.').items():
        assert_close(buffers[own_name(key)], value, **EXACT)


def test_the_defaults_build_and_run():
    assert MSBlock(8, 8)(torch.randn(2, 8, 5, 3)).shape == (2, 8, 5, 3)


@pytest.mark.parametrize('c1', [1, 5, 16])
@pytest.mark.parametrize('down', [1, 2])
@pytest.mark.parametrize('size', [(1, 1), (3, 8)])
def test_any_number_of_channels_and_any_size_pass(c1, down, size):
    model = MSBlock(c1, 7, (1, 5, 9, 3), layers_num=1, in_down_ratio=down).eval()
    assert model(torch.randn(2, c1, *size)).shape == (2, 7, *size)


@pytest.mark.parametrize('kernel_sizes', [(), (1, 4)])
def test_even_or_missing_kernel_sizes_are_refused(kernel_sizes):
    with pytest.raises(BlocksError, match='one odd number for each branch'):
        MSBlock(8, 8, kernel_sizes)


def test_the_given_kernel_sizes_are_not_shared_between_blocks():
    kernel_sizes = [1, 3, 5]
    MSBlock(8, 8, kernel_sizes)
    assert kernel_sizes == [1, 3, 5]


def test_a_larger_kernel_sees_further():
    x = torch.zeros(1, 4, 19, 19, requires_grad=True)
    reach = {}
    for kernel in (3, 9):
        model = MSBlock(4, 4, (1, kernel), layers_num=1).eval()
        gradient = torch.autograd.grad(model(x)[0, :, 9, 9].sum(), x)[0]
        reach[kernel] = gradient.abs().sum((0, 1)).nonzero()[:, 1].max().item() - 9
    assert reach == {3: 1, 9: 4}


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_stays_near_full_precision(dtype):
    model = MSBlock(16, 16).eval()
    x = torch.randn(1, 16, 9, 7)
    full = model(x)
    assert_close(model.to(dtype)(x.to(dtype)).float(), full, rtol=5e-2, atol=5e-2)
