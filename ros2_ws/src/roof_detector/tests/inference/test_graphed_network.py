# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a CUDA graph is judged by; graphs themselves are in test_cuda.py."""

from __future__ import annotations

import pytest
import torch

from roof_detector.inference.backends.graphed_network import disagree


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
