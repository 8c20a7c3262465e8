# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest
import torch

from benchmarks.bench.live_bytes import LiveBytes
from roof_detector.blocks.scan.selective_scan import selective_scan

CHANNELS = 8
BYTES = 4


def peak_bytes(*, method, length, states, training):
    """Return the peak above the inputs and, in training, above the gradients, which must exist."""
    shapes = {
        'u': (1, CHANNELS, length),
        'delta': (1, CHANNELS, length),
        'A': (CHANNELS, states),
        'B': (1, states, length),
        'C': (1, states, length),
    }
    tensors = {name: torch.rand(shape) for name, shape in shapes.items()}
    for tensor in tensors.values():
        tensor.requires_grad_(training)
    with LiveBytes() as live, torch.set_grad_enabled(training):
        y = selective_scan(**tensors, delta_softplus=True, method=method)
        if training:
            y.sum().backward()
    gradients = sum(x.grad.numel() for x in tensors.values()) * BYTES if training else 0
    return live.peak - gradients


def maps_per_step(*, method, states, length, training=True):
    """Return how many tensors of u's size it costs to make a sequence longer."""
    short, long = (
        peak_bytes(method=method, length=steps, states=states, training=training)
        for steps in (length, 2 * length)
    )
    return (long - short) / (length * CHANNELS * BYTES)


def test_nothing_run_is_nothing_counted():
    with LiveBytes() as live:
        pass
    assert (live.now, live.peak) == (0, 0)


def test_live_bytes_follow_tensors_into_views_and_back():
    before = torch.zeros(1000)
    with LiveBytes() as live:
        made = before + 1
        view = made.view(10, 100)
        del made
        assert (live.now, live.peak) == (4000, 4000)
        del view
        both = (before * 2) + (before * 3)
        assert (live.now, live.peak) == (4000, 12000)
        del both
    assert live.now == 0


@pytest.mark.parametrize('training', [False, True])
def test_the_chunked_scan_never_holds_the_states_of_the_whole_sequence(training):
    few, many = (
        maps_per_step(method='chunked', states=states, length=512, training=training)
        for states in (4, 32)
    )
    assert few < 5
    # What grows with the states is one kept state in a chunk: 28 states / 64 steps.
    assert many - few < 0.5


@pytest.mark.parametrize('method', ['sequential', 'log_step'])
def test_the_other_methods_hold_them_for_the_gradient(method):
    few, many = (maps_per_step(method=method, states=states, length=64) for states in (4, 32))
    assert many - few > 28
