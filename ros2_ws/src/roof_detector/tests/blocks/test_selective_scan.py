# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.scan import chunked
from roof_detector.blocks.scan.arguments import arrange
from roof_detector.blocks.scan.selective_scan import choose_method, selective_scan

METHODS = ('sequential', 'log_step', 'chunked')
ORACLES = (
    'ss_L1',
    'ss_varB_varC_all',
    'ss_constB_constC_all',
    'ss_group2_all',
    'ss_long130',
    'ss_complexA',
)
EXACT = {'rtol': 1e-9, 'atol': 1e-10}


def random_arguments(b=2, d=4, n=3, length=7, *, B='bnl', C='bgnl', kind='real', seed=0):
    """Return the tensors of a stable scan in float64, each requiring its gradient."""
    random = torch.Generator().manual_seed(seed)

    def normal(*shape, dtype=torch.float64):
        return torch.randn(*shape, dtype=dtype, generator=random)

    def projection(form):
        reals = 2 * length if kind == 'complex' else length
        if form == 'const':
            return normal(d, n, dtype=A.dtype)
        return normal(b, n, reals) if form == 'bnl' else normal(b, 2, n, reals)

    A = -torch.exp(normal(d, n))
    if kind == 'complex':
        A = torch.complex(A, normal(d, n))
    tensors = {
        'u': normal(b, d, length),
        'delta': normal(b, d, length),
        'A': A,
        'B': projection(B),
        'C': projection(C),
        'D': normal(d),
        'z': normal(b, d, length),
        'delta_bias': normal(d),
    }
    return {name: tensor.requires_grad_() for name, tensor in tensors.items()}


def scan_and_gradients(tensors, method, *, with_last=True):
    y, last = selective_scan(**tensors, delta_softplus=True, return_last_state=True, method=method)
    random = torch.Generator().manual_seed(1)
    loss = (y * torch.randn(y.shape, dtype=y.dtype, generator=random)).sum()
    if with_last:
        weights = torch.randn(last.shape, dtype=last.real.dtype, generator=random)
        loss = loss + (last.real * weights).sum() + (last.imag.sum() if last.is_complex() else 0)
    grads = torch.autograd.grad(loss, list(tensors.values()), materialize_grads=True)
    return [y, last, *grads]


@pytest.mark.parametrize('method', METHODS)
def test_an_empty_sequence_gives_an_empty_output_and_a_zero_state(method):
    tensors = random_arguments(length=0)
    y, last = selective_scan(**tensors, return_last_state=True, method=method)
    assert y.shape == (2, 4, 0)
    assert_close(last, torch.zeros(2, 4, 3, dtype=torch.float64))


@pytest.mark.parametrize('method', METHODS)
def test_an_empty_batch_gives_an_empty_output(method):
    tensors = random_arguments(b=0)
    y, *_ = scan_and_gradients(tensors, method)
    assert y.shape == (0, 4, 7)


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('name', ORACLES)
def test_forward_equals_the_published_scan(oracle, name, method):
    reference = oracle(name)
    given_tensors = reference.under('in.')
    for key in ('ct', 'ct_last'):
        del given_tensors[key]
    y, last = selective_scan(
        **given_tensors, delta_softplus=True, return_last_state=True, method=method
    )
    assert_close(y, reference['out.y'], **EXACT)
    assert_close(last, reference['out.last_state'], **EXACT)


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('name', ORACLES)
@pytest.mark.parametrize('prefix', ['grad.', 'grad.withlast.'])
def test_gradients_equal_those_of_the_published_scan(oracle, name, method, prefix):
    reference = oracle(name)
    tensors = {
        key: value.requires_grad_()
        for key, value in reference.under('in.').items()
        if not key.startswith('ct')
    }
    y, last = selective_scan(**tensors, delta_softplus=True, return_last_state=True, method=method)
    loss = (y * reference['in.ct']).sum()
    if prefix == 'grad.withlast.':
        loss = loss + (last.real * reference['in.ct_last']).sum()
    grads = torch.autograd.grad(loss, list(tensors.values()), materialize_grads=True)
    for key, grad in zip(tensors, grads, strict=True):
        assert_close(grad, reference[prefix + key], **EXACT)


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('name', ORACLES)
def test_single_precision_stays_within_2e_5_of_the_published_scan(oracle, name, method):
    reference = oracle(name)
    tensors = {
        key: value.to(torch.complex64 if value.is_complex() else torch.float32)
        for key, value in reference.under('in.').items()
        if not key.startswith('ct')
    }
    y = selective_scan(**tensors, delta_softplus=True, method=method)
    assert_close(y.double(), reference['out.y'], rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize('method', METHODS)
def test_decays_that_underflow_give_no_nan_where_the_published_quotient_does(oracle, method):
    reference = oracle('ss_easy_unstable')
    y = selective_scan(**reference.under('in.'), method=method)
    assert_close(y, reference['out.y_ref'], rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize('method', METHODS)
def test_a_decay_of_exp_minus_40_keeps_values_and_gradients_right(method):
    tensors = {k: v.detach().float() for k, v in random_arguments(length=200).items()}
    tensors['A'] = torch.full_like(tensors['A'], -40.0)
    tensors['delta'] = torch.ones_like(tensors['delta'])
    for tensor in tensors.values():
        tensor.requires_grad_()
    exact = {k: v.detach().double().requires_grad_() for k, v in tensors.items()}
    for got, wanted in zip(
        scan_and_gradients(tensors, method, with_last=False),
        scan_and_gradients(exact, 'sequential', with_last=False),
        strict=True,
    ):
        assert bool(torch.isfinite(got).all())
        if got.shape == wanted.shape and got is not None:
            assert got.dtype == torch.float32
    y = selective_scan(**tensors, delta_softplus=True, method=method)
    assert_close(y.double(), selective_scan(**exact, delta_softplus=True), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize('method', METHODS)
def test_a_growing_system_at_rest_stays_at_rest(method):
    # Products of these decays overflow float32, and infinity times the zero state would be NaN.
    u = torch.zeros(1, 2, 64)
    u[..., -1] = 1.0
    ones = torch.ones(1, 1, 64)
    y = selective_scan(u, torch.ones_like(u), torch.full((2, 1), 4.0), ones, ones, method=method)
    assert_close(y, u)


@settings(deadline=None, max_examples=60)
@given(
    length=st.one_of(st.integers(1, 9), st.sampled_from([15, 16, 17, 31, 32, 33])),
    batch=st.integers(1, 2),
    states=st.integers(1, 3),
    B=st.sampled_from(['const', 'bnl', 'bgnl']),
    C=st.sampled_from(['const', 'bnl', 'bgnl']),
    kind=st.sampled_from(['real', 'complex']),
    seed=st.integers(0, 2**16),
)
def test_all_methods_agree_in_values_and_gradients(length, batch, states, B, C, kind, seed):
    tensors = random_arguments(batch, 4, states, length, B=B, C=C, kind=kind, seed=seed)
    wanted = scan_and_gradients(tensors, 'sequential')
    usual = chunked.CHUNK
    chunked.CHUNK = 8
    try:
        for method in ('log_step', 'chunked'):
            for one, other in zip(scan_and_gradients(tensors, method), wanted, strict=True):
                assert_close(one, other, **EXACT)
    finally:
        chunked.CHUNK = usual


@pytest.mark.parametrize('kind', ['real', 'complex'])
@pytest.mark.parametrize('method', METHODS)
def test_gradients_equal_finite_differences(method, kind):
    tensors = random_arguments(b=1, d=2, n=2, length=5, C='bnl', kind=kind)

    def run(*values):
        named = dict(zip(tensors, values, strict=True))
        return selective_scan(**named, delta_softplus=True, return_last_state=True, method=method)

    assert torch.autograd.gradcheck(run, tuple(tensors.values()))


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_input_is_scanned_in_single_precision(method, dtype):
    tensors = {k: v.detach().to(dtype) for k, v in random_arguments(length=40).items()}
    single = {k: v.float() for k, v in tensors.items()}
    options = {'delta_softplus': True, 'return_last_state': True}
    y, last = selective_scan(**tensors, **options, method=method)
    wanted, wanted_last = selective_scan(**single, **options, method='sequential')
    assert y.dtype == dtype
    assert last.dtype == torch.float32
    assert_close(y, wanted.to(dtype))
    assert_close(last, wanted_last, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize('length', [1, 7, 100])
def test_auto_equals_the_reference_with_and_without_gradients(length):
    tensors = random_arguments(length=length)
    wanted = selective_scan(**tensors, delta_softplus=True, method='sequential')
    assert_close(selective_scan(**tensors, delta_softplus=True), wanted, **EXACT)
    with torch.no_grad():
        assert_close(selective_scan(**tensors, delta_softplus=True), wanted, **EXACT)


def test_the_optional_arguments_may_all_be_absent():
    tensors = random_arguments()
    few = {name: tensors[name] for name in ('u', 'delta', 'A', 'B', 'C')}
    y = selective_scan(**few)
    state, expected = torch.zeros(2, 4, 3, dtype=torch.float64), []
    for t in range(7):
        B = tensors['B'][:, None, :, t]
        C = tensors['C'].repeat_interleave(2, dim=1)[..., t]
        dt = tensors['delta'][..., t, None]
        state = torch.exp(dt * tensors['A']) * state + dt * B * tensors['u'][..., t, None]
        expected.append((C * state).sum(-1))
    assert_close(y, torch.stack(expected, -1), **EXACT)


@pytest.mark.parametrize(
    ('name', 'value', 'words'),
    [
        ('u', torch.zeros(2, 4), 'u is float32 of shape'),
        ('u', torch.zeros(2, 4, 7, dtype=torch.int64), 'u is int64'),
        ('delta', torch.zeros(2, 4, 6), 'delta is float32 of shape'),
        ('A', torch.zeros(3, 3), 'A is float32 of shape'),
        ('A', torch.zeros(4, 0), 'at least one state'),
        ('B', torch.zeros(2, 3, 6), r'B is float32 of shape \(2, 3, 6\)'),
        ('B', torch.zeros(4, 3, dtype=torch.complex64), 'B is complex64'),
        ('C', torch.zeros(2, 3, 3, 7), 'groups a divisor of 4'),
        ('C', torch.zeros(2, 0, 3, 7), 'groups a divisor of 4'),
        ('D', torch.zeros(5), 'D is float32'),
        ('z', torch.zeros(2, 4, 7, dtype=torch.complex64), 'z is complex64'),
        ('delta_bias', torch.zeros(4, device='meta'), 'delta_bias is on meta'),
    ],
)
def test_an_argument_that_does_not_fit_is_named(name, value, words):
    with pytest.raises(BlocksError, match=words):
        selective_scan(**{**random_arguments(), name: value})


def test_an_unknown_method_is_answered_with_the_known_ones():
    with pytest.raises(BlocksError, match='sequential, log_step, chunked, triton'):
        selective_scan(**random_arguments(), method='parallel')


@pytest.mark.parametrize('kind', ['real', 'complex'])
def test_the_kernels_refuse_what_they_cannot_scan_and_say_why(kind):
    reason = {'real': 'the tensors are on cpu', 'complex': 'A is complex'}[kind]
    with pytest.raises(BlocksError, match=f'{reason}.*chunked'):
        selective_scan(**random_arguments(kind=kind), method='triton')


@pytest.mark.parametrize(
    ('channels', 'length', 'rate', 'training', 'method'),
    [
        (8, 100, -1.0, False, 'log_step'),
        (8, 100, -1.0, True, 'chunked'),
        (8, 100, 1.0, False, 'chunked'),
        (400, 4, -1.0, False, 'chunked'),
        (8, 20000, -1.0, False, 'chunked'),
    ],
    ids=['small', 'with gradients', 'growing', 'wide', 'long'],
)
def test_auto_takes_doublings_for_small_decaying_scans_without_gradients(
    channels, length, rate, training, method
):
    u = torch.ones(1, channels, length)
    A, B = torch.full((channels, 2), rate), torch.ones(1, 2, length)
    with torch.set_grad_enabled(training):
        assert choose_method(arrange(u, u, A, B, B)) == method
