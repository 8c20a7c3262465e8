# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What test_triton_scan.py runs in a process of its own, interpreted or on a GPU."""

from __future__ import annotations

import os

import pytest
import torch
from torch.testing import assert_close

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.scan import triton_scan
from roof_detector.blocks.scan.selective_scan import selective_scan

INTERPRETED = os.environ.get('TRITON_INTERPRET') == '1'
DEVICE = 'cpu' if INTERPRETED else 'cuda'


def random_arguments(b, d, n, length, *, form, dtype=torch.float64):
    random = torch.Generator().manual_seed(length)

    def normal(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=random)

    shape = {'const': (d, n), 'bnl': (b, n, length), 'bgnl': (b, 2, n, length)}[form]
    tensors = {
        'u': normal(b, d, length),
        'delta': normal(b, d, length),
        'A': -torch.exp(normal(d, n)),
        'B': normal(*shape),
        'C': normal(*shape),
        'D': normal(d),
        'z': normal(b, d, length),
        'delta_bias': normal(d),
    }
    return {k: v.to(DEVICE, dtype).requires_grad_() for k, v in tensors.items()}


def scan_and_gradients(tensors, method):
    y, last = selective_scan(**tensors, delta_softplus=True, return_last_state=True, method=method)
    loss = (y * torch.linspace(-1, 1, y.numel()).to(y).view(y.shape)).sum()
    loss = loss + (last * torch.linspace(-1, 1, last.numel()).to(last).view(last.shape)).sum()
    return [y, last, *torch.autograd.grad(loss, list(tensors.values()), materialize_grads=True)]


@pytest.fixture
def short_tiles(monkeypatch):
    monkeypatch.setattr(triton_scan, 'LONGEST_TILE', 16)


@pytest.mark.usefixtures('short_tiles')
@pytest.mark.parametrize(
    ('length', 'form'), [(0, 'bgnl'), (1, 'const'), (33, 'const'), (33, 'bnl'), (33, 'bgnl')]
)
def test_values_and_gradients_equal_the_reference(length, form):
    tensors = random_arguments(2, 2, 3, length, form=form)
    for one, other in zip(
        scan_and_gradients(tensors, 'triton'),
        scan_and_gradients(tensors, 'sequential'),
        strict=True,
    ):
        assert_close(one, other, rtol=1e-9, atol=1e-10)


@pytest.mark.usefixtures('short_tiles')
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16])
def test_lower_precision_input_is_scanned_in_single_precision(dtype):
    tensors = random_arguments(1, 2, 2, 20, form='bnl', dtype=dtype)
    single = {k: v.detach().float().requires_grad_() for k, v in tensors.items()}
    got, wanted = (
        scan_and_gradients(x, method)
        for x, method in ((tensors, 'triton'), (single, 'sequential'))
    )
    assert got[0].dtype == dtype
    assert got[1].dtype == torch.float32
    assert_close(got[0], wanted[0].to(dtype))
    assert_close(got[1], wanted[1], rtol=2e-5, atol=2e-5)


def test_decays_that_underflow_or_overflow_give_no_nan():
    u = torch.zeros(1, 2, 40, device=DEVICE)
    u[..., -1] = 1.0
    ones = torch.ones(1, 1, 40, device=DEVICE)
    for rate in (-40.0, 4.0):
        A = torch.full((2, 1), rate, device=DEVICE)
        assert_close(selective_scan(u, torch.ones_like(u), A, ones, ones, method='triton'), u)


def test_auto_takes_the_kernels_unless_determinism_is_demanded(monkeypatch):
    tensors = random_arguments(1, 2, 1, 5, form='bnl')
    called = []
    real = triton_scan.scan_triton
    monkeypatch.setitem(
        selective_scan.__globals__['METHODS'], 'triton', lambda x: called.append(1) or real(x)
    )
    selective_scan(**tensors)
    assert called == [1]
    torch.use_deterministic_algorithms(True)
    try:
        selective_scan(**tensors)
    finally:
        torch.use_deterministic_algorithms(False)
    assert called == [1]


def test_a_complex_system_falls_to_the_chunked_scan_or_is_refused_with_the_reason():
    tensors = {k: v.detach() for k, v in random_arguments(1, 2, 2, 8, form='bnl').items()}
    for name in ('B', 'C'):
        tensors[name] = tensors[name].repeat(1, 1, 2)
    tensors['A'] = torch.complex(tensors['A'], tensors['A'])
    assert_close(selective_scan(**tensors), selective_scan(**tensors, method='sequential'))
    with pytest.raises(BlocksError, match='A is complex'):
        selective_scan(**tensors, method='triton')


if not INTERPRETED:

    @pytest.mark.parametrize('form', ['const', 'bnl', 'bgnl'])
    @pytest.mark.parametrize('states', [1, 3, 16, 64])
    def test_long_sequences_equal_the_chunked_scan_in_double_precision(states, form):
        tensors = random_arguments(2, 64, states, 3001, form=form)
        for one, other in zip(
            scan_and_gradients(tensors, 'triton'),
            scan_and_gradients(tensors, 'chunked'),
            strict=True,
        ):
            assert_close(one, other, rtol=1e-8, atol=1e-8)
