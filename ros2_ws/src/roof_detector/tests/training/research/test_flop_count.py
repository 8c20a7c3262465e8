# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from training.research.flop_count import count_flops


def test_nothing_costs_nothing():
    count = count_flops(lambda: torch.zeros(4).reshape(2, 2).clone())
    assert (count.total, count.unpriced) == (0, frozenset())


@pytest.mark.parametrize('functional', [False, True], ids=['module', 'function'])
def test_a_convolution_costs_two_for_each_multiply_accumulate(functional):
    conv = nn.Conv2d(6, 8, 3, stride=2, padding=1, groups=2, bias=False)
    x = torch.randn(2, 6, 10, 8)
    run = (lambda: F.conv2d(x, conv.weight, None, 2, 1, 1, 2)) if functional else lambda: conv(x)
    assert count_flops(run).products == 2 * (2 * 8 * 5 * 4) * (3 * 3 * 3)


@pytest.mark.parametrize(
    'product',
    [
        pytest.param(lambda a, b: a @ b, id='matmul'),
        pytest.param(torch.bmm, id='bmm'),
        pytest.param(lambda a, b: torch.einsum('bij,bjk->bik', a, b), id='einsum'),
    ],
)
def test_a_matrix_product_costs_two_for_each_multiply_accumulate(product):
    a, b = torch.randn(3, 4, 5), torch.randn(3, 5, 7)
    assert count_flops(lambda: product(a, b)).products == 2 * 3 * 4 * 5 * 7


def test_a_linear_layer_counts_its_product():
    layer = nn.Linear(5, 7)
    assert count_flops(lambda: layer(torch.ones(4, 5))).products == 2 * 4 * 5 * 7


def test_bilinear_sampling_costs_eight_for_each_value():
    x, grid = torch.randn(2, 3, 6, 6), torch.rand(2, 4, 5, 2)
    count = count_flops(lambda: F.grid_sample(x, grid, align_corners=True))
    assert count.sampling == 8 * 2 * 3 * 4 * 5


def test_a_scan_written_as_a_loop_costs_each_of_its_steps():
    a, u = torch.rand(10, 4), torch.rand(10, 4)

    def scan():
        h = torch.zeros(4)
        for step in range(10):
            h = a[step] * h + u[step]
        return h

    assert count_flops(scan).other == 10 * 4 * 2


@pytest.mark.parametrize(
    ('operation', 'expected'),
    [
        pytest.param(torch.exp, 60, id='exponential'),
        pytest.param(lambda x: x.mul_(2), 60, id='in place'),
        pytest.param(F.silu, 60, id='SiLU'),
        pytest.param(lambda x: F.prelu(x, torch.ones(1)), 60, id='PReLU'),
        pytest.param(lambda x: x.sum(-1), 60, id='sum'),
        pytest.param(lambda x: x.softmax(-1), 300, id='softmax'),
        pytest.param(lambda x: F.max_pool2d(x[None], 3, 1, 1), 540, id='pooling'),
    ],
)
def test_other_operations_cost_what_the_table_says(operation, expected):
    x = torch.rand(3, 4, 5)
    count = count_flops(lambda: operation(x))
    assert (count.other, count.products, count.unpriced) == (expected, 0, frozenset())


def test_an_operation_without_a_price_is_named():
    x = torch.rand(3, 3)
    count = count_flops(lambda: torch.linalg.svd(x))
    assert count.unpriced == {'_linalg_svd'}
