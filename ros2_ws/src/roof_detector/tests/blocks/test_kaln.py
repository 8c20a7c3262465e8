# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import gc
import math
import weakref

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.kaln import (
    C3k2_KALN,
    KALNConv1d,
    KALNConv2d,
    KALNConv3d,
    legendre_polynomials,
)

EXACT = {'rtol': 1e-9, 'atol': 1e-10}
LAYERS = {1: KALNConv1d, 2: KALNConv2d, 3: KALNConv3d}


def own_state(published):
    """Join the published groups: each had a convolution and a slice of the polynomial weights."""
    bases = [value for key, value in sorted(published.items()) if key.startswith('base_conv.')]
    return {
        'linear.weight': torch.cat(bases),
        'polynomial.weight': published['poly_weights'].flatten(0, 1),
    }


@pytest.fixture(params=['kaln1d_deg3', 'kaln2d_deg3', 'kaln2d_deg5_g2_s2', 'kaln3d_deg2'])
def published(request, oracle):
    case = oracle(request.param)
    options = dict(case.meta['args'])
    layer = LAYERS[int(request.param[4])]
    model = layer(
        options.pop('input_dim'), options.pop('output_dim'), **options, normalization='batch'
    ).double()
    model.load_state_dict(own_state(case.state))
    return case, model


@pytest.mark.parametrize('mode', ['eval', 'train'])
def test_output_and_gradients_match_the_published_layer(published, mode):
    case, model = published
    x = case['in.x'].requires_grad_()
    y = model.train(mode == 'train')(x)
    assert_close(y, case[f'out.{mode}'], **EXACT)
    (y * case['in.ct']).sum().backward()
    assert_close(x.grad, case[f'grad.{mode}.x'], **EXACT)
    if mode == 'eval':
        expected = own_state({k: v for k, v in case.under('grad.eval.').items() if k != 'x'})
        for key, weight in model.named_parameters():
            assert_close(weight.grad, expected[key], **EXACT)


def test_polynomials_match_the_published_table_and_numpy(oracle):
    case = oracle('kaln_legendre_table')
    ours = torch.cat(legendre_polynomials(case['in.x'], 6), 1)
    assert_close(ours, case['out.P0_to_P6'], **EXACT)
    t = np.linspace(-1, 1, 21)
    for degree, values in enumerate(legendre_polynomials(torch.from_numpy(t), 9)):
        expected = np.polynomial.legendre.Legendre.basis(degree)(t)
        np.testing.assert_allclose(values.numpy(), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize('dims', [1, 2, 3])
def test_a_sample_does_not_depend_on_its_batch_mates(dims):
    layer = LAYERS[dims](4, 6, 3, padding=1, groups=2).eval()
    x = torch.randn(3, 4, *(5, 6, 7)[:dims])
    changed = x.clone()
    changed[0] *= 100
    assert_close(layer(changed)[1:], layer(x)[1:])
    assert_close(layer(x[1:2]), layer(x)[1:2])


def test_the_published_rule_does_depend_on_batch_mates():
    layer = KALNConv2d(4, 6, 3, padding=1, normalization='batch').eval()
    x = torch.randn(2, 4, 5, 5)
    changed = x.clone()
    changed[0] *= 100
    assert (layer(changed)[1] - layer(x)[1]).abs().max() > 1e-2


@pytest.mark.parametrize('normalization', ['sample', 'batch'])
@pytest.mark.parametrize('value', [0.0, 3.0, -1e4])
def test_constant_input_gives_finite_output_and_gradients(normalization, value):
    layer = KALNConv2d(3, 4, 3, padding=1, normalization=normalization)
    x = torch.full((2, 3, 5, 4), value, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert y.isfinite().all()
    assert x.grad.isfinite().all()
    assert all(weight.grad.isfinite().all() for weight in layer.parameters())


@pytest.mark.parametrize(('dims', 'groups'), [(1, 1), (2, 1), (2, 4), (3, 2)])
def test_weights_begin_with_the_deviation_of_their_fan_in(dims, groups):
    layer = LAYERS[dims](64, 64, 3, degree=3, groups=groups)
    fan_in = 64 // groups * 3**dims
    assert layer.linear.weight.std().item() == pytest.approx(1 / math.sqrt(fan_in), rel=0.05)
    assert layer.polynomial.weight.std().item() == pytest.approx(
        1 / math.sqrt(4 * fan_in), rel=0.05
    )


def test_no_input_stays_alive_after_the_call():
    layer = KALNConv2d(3, 4, 3)
    x = torch.randn(1, 3, 5, 5)
    alive = weakref.ref(x)
    layer(x)
    del x
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize('degree', [1, 2, 5])
def test_every_degree_strides_and_dilates_like_a_convolution(degree):
    geometry = {'stride': (2, 1), 'padding': (1, 2), 'dilation': (1, 2)}
    layer = KALNConv2d(3, 5, (3, 2), degree, **geometry)
    x = torch.randn(2, 3, 9, 7)
    assert layer(x).shape == nn.Conv2d(3, 5, (3, 2), **geometry)(x).shape


def test_a_degree_below_one_and_an_unknown_rule_are_refused():
    with pytest.raises(BlocksError, match='at least 1, not 0'):
        KALNConv2d(3, 4, 3, degree=0)
    with pytest.raises(BlocksError, match="not 'tanh'"):
        KALNConv2d(3, 4, 3, normalization='tanh')


def test_norm_and_dropout_are_taken_from_the_caller():
    layer = KALNConv2d(3, 4, 3, norm=nn.BatchNorm2d, dropout=0.5)
    assert isinstance(layer.norm, nn.BatchNorm2d)
    x = torch.randn(1, 3, 8, 8)
    assert not torch.equal(layer.train()(x), layer(x))
    assert torch.equal(layer.eval()(x), layer(x))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_stays_near_full_precision(dtype):
    layer = KALNConv2d(8, 8, 3, padding=1, norm=nn.BatchNorm2d).eval()
    x = torch.randn(2, 8, 9, 7)
    full = layer(x)
    assert_close(layer.to(dtype)(x.to(dtype)).float(), full, rtol=0.1, atol=0.1)


def test_the_stage_runs_on_a_single_pixel():
    assert C3k2_KALN(6, 12, 2).train()(torch.randn(2, 6, 1, 1)).shape == (2, 12, 1, 1)
