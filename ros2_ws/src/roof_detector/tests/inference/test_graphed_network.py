# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a CUDA graph is judged by; graphs themselves are in test_cuda.py."""

from __future__ import annotations

from itertools import combinations_with_replacement

import pytest
import torch

from roof_detector.inference.backends.graphed_network import disagree, quickest_parts
from roof_detector.inference.batching import sizes_to_warm_up


@pytest.fixture
def answer():
    """Return predictions (2, 9, 300): boxes in pixels above scores in 0..1."""
    random = torch.Generator().manual_seed(3)
    boxes = torch.rand(2, 4, 300, generator=random) * 640
    scores = torch.rand(2, 5, 300, generator=random) ** 8
    return torch.cat((boxes, scores), dim=1)


def test_answers_that_differ_by_rounding_agree(answer):
    assert not disagree(answer, answer.half())
    assert not disagree(answer, answer * 1.01)


@pytest.mark.parametrize(
    ('row', 'by'), [(0, 20.0), (3, -20.0), (4, 0.1), (8, -0.1), (8, float('nan'))]
)
def test_one_wrong_number_is_seen_beside_boxes_of_hundreds_of_pixels(answer, row, by):
    found = answer.clone()
    found[1, row, 150] += by
    assert disagree(answer, found)


def test_prototypes_are_compared_by_channel():
    prototypes = torch.linspace(-3, 3, 2 * 32 * 8 * 8).reshape(2, 32, 8, 8)
    found = prototypes.clone()
    assert not disagree(prototypes, found)
    found[0, 31, 7, 7] += 0.2
    assert disagree(prototypes, found)


# Where starting costs most a larger batch is quickest, even if not full; where each image costs
# alike, what fits is.
STARTED = {1: 1.46, 2: 1.6, 4: 1.9, 8: 2.5}
COMPUTED = {1: 6.0, 2: 12.0, 4: 24.0, 8: 48.0}


@pytest.mark.parametrize(
    ('count', 'seconds', 'expected'),
    [
        (8, STARTED, (8,)),
        (5, STARTED, (8,)),
        (9, STARTED, (8, 1)),
        (12, STARTED, (8, 4)),
        (3, STARTED, (4,)),
        (7, {1: 6.0, 4: 20.0, 8: 48.0}, (4, 1, 1, 1)),
        (3, {1: 2.0}, (1, 1, 1)),
    ],
)
def test_a_batch_of_another_size_runs_in_the_quickest_parts(count, seconds, expected):
    assert quickest_parts(count, seconds) == expected


@pytest.mark.parametrize('count', range(1, 17))
@pytest.mark.parametrize('seconds', [STARTED, COMPUTED, {1: 2.0, 3: 5.0, 5: 7.0}])
def test_no_parts_are_quicker(count, seconds):
    def cost(parts):
        return sum(seconds[size] for size in parts)

    parts = quickest_parts(count, seconds)
    assert sum(parts) >= count
    assert sum(parts[:-1]) < count, 'the last graph has an image'
    every = (
        one
        for length in range(1, count + 1)
        for one in combinations_with_replacement(seconds, length)
        if sum(one) >= count
    )
    assert cost(parts) == pytest.approx(min(map(cost, every)))


@pytest.mark.parametrize('count', range(1, 17))
def test_every_size_is_warmed_up_and_those_with_graphs_first(count):
    sizes = sizes_to_warm_up(count)
    assert sorted(sizes) == list(range(2, count + 1))
    assert sizes_to_warm_up(8)[:3] == [8, 4, 2] and sizes_to_warm_up(5)[:3] == [5, 3, 2]
