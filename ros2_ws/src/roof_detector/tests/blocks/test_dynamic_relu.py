# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import itertools

import pytest
import torch
from torch.testing import assert_close

from roof_detector.blocks import BlocksError, DyReLU

EXACT = {'rtol': 1e-9, 'atol': 1e-10}
OWN_NAMES = {'fc.0.': 'squeeze.', 'fc.2.': 'excite.'}
OPTIONS = [
    pytest.param(
        {'pieces': pieces, 'bias': bias, 'variant': variant},
        id=f'{pieces} pieces, {"with" if bias else "no"} bias, {variant}',
    )
    for pieces, bias, variant in itertools.product((1, 2), (True, False), 'ABC')
]


def own_state(published):
    own = {}
    for key, value in published.items():
        name = OWN_NAMES[key[:5]] + key[5:]
        own[name] = value[:, :, None, None] if value.ndim == 2 else value
    return own


@pytest.mark.parametrize('options', OPTIONS)
def test_an_empty_batch_gives_an_empty_batch(options):
    assert DyReLU(8, **options).eval()(torch.zeros(0, 8, 3, 3)).shape == (0, 8, 3, 3)


def test_output_and_every_gradient_match_the_published_activation(oracle):
    case = oracle('dyrelu_k2_bias')
    model = DyReLU(16).double()
    model.load_state_dict(own_state(case.state))
    x = case['in.x'].requires_grad_()
    y = model(x)
    assert_close(y, case['out.eval'], **EXACT)
    (y * case['in.ct']).sum().backward()
    expected = case.under('grad.eval.')
    assert_close(x.grad, expected.pop('x'), **EXACT)
    gradients = own_state(expected)
    for key, weight in model.named_parameters():
        assert_close(weight.grad, gradients[key], **EXACT)


@pytest.mark.parametrize('options', OPTIONS)
def test_each_variant_is_the_largest_of_its_lines(options):
    model = DyReLU(8, **options, temperature=2.0).double().train()
    torch.nn.init.normal_(model.excite.weight, std=2)
    torch.nn.init.normal_(model.excite.bias)
    x = torch.randn(3, 8, 4, 5, dtype=torch.float64)
    hidden = torch.relu(x.mean((2, 3)) @ model.squeeze.weight.flatten(1).T + model.squeeze.bias)
    logits = hidden @ model.excite.weight.flatten(1).T + model.excite.bias
    v = (torch.relu(logits + 3).clamp(max=6) / 6 - 0.5).reshape(
        3, -1, logits.shape[1] // (options['pieces'] * (2 if options['bias'] else 1))
    )[..., None, None]
    lines = []
    for k in range(options['pieces']):
        slope = v[:, 2 * k if options['bias'] else k] * 2 + (k == 0)
        lines.append(slope * x + (v[:, 2 * k + 1] if options['bias'] else 0))
    expected = torch.stack(lines).amax(0)
    if options['variant'] == 'C':
        share = torch.softmax(model.position(x).flatten(1) / 2.0, 1)
        assert_close(share.sum(1), torch.ones(3, dtype=torch.float64))
        expected = expected * (share * 20 / 3).clamp(max=1).reshape(3, 1, 4, 5)
    assert_close(model(x), expected, **EXACT)


@pytest.mark.parametrize('options', OPTIONS)
def test_a_gradient_reaches_every_parameter(options):
    model = DyReLU(8, **options).double()
    (model(torch.randn(2, 8, 6, 5).double()) * torch.randn(2, 8, 6, 5)).sum().backward()
    for key, weight in model.named_parameters():
        assert weight.grad is not None, key
        # Batch normalisation takes the bias before it away, softmax the one behind it.
        if not (key.startswith('position.') and key.endswith('.bias')):
            assert weight.grad.abs().max() > 0, key


def test_it_starts_near_a_plain_relu():
    x = torch.randn(2, 32, 6, 5)
    assert_close(DyReLU(32)(x), torch.relu(x), rtol=0, atol=0.05)


@pytest.mark.parametrize('options', OPTIONS)
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_stays_near_full_precision(options, dtype):
    model = DyReLU(8, **options).eval()
    x = torch.randn(2, 8, 3, 5)
    full = model(x)
    assert_close(model.to(dtype)(x.to(dtype)).float(), full, rtol=5e-2, atol=5e-2)


@pytest.mark.parametrize(
    ('options', 'message'),
    [({'pieces': 3}, '3 pieces: give it 1 or 2'), ({'variant': 'D'}, "no variant 'D'")],
)
def test_what_the_paper_does_not_define_is_refused(options, message):
    with pytest.raises(BlocksError, match=message):
        DyReLU(8, **options)
