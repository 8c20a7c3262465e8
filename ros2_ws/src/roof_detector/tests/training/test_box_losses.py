# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import math

import pytest
import torch
from torch.testing import assert_close
from ultralytics.utils.loss import BboxLoss

from training.box_losses import SIMILARITIES, STOCK_LOSS, SimilarityLoss
from training.train_config import TrainConfig

SIZE_WH = torch.tensor([640.0, 480.0])


def boxes(count, seed):
    random = torch.Generator().manual_seed(seed)
    low = torch.rand(count, 2, generator=random) * 300
    return torch.cat([low, low + 1 + torch.rand(count, 2, generator=random) * 80], 1)


@pytest.mark.parametrize('name', SIMILARITIES)
def test_equal_boxes_have_no_loss_and_others_have_some(name):
    one, other = boxes(64, 0), boxes(64, 1)
    similarity = SIMILARITIES[name]
    assert_close(similarity(one, one, SIZE_WH), torch.ones(64, 1), rtol=0, atol=1e-3)
    assert (similarity(one, other, SIZE_WH) < 1).all()
    assert similarity(one[:0], other[:0], SIZE_WH).shape == (0, 1)


@pytest.mark.parametrize('name', SIMILARITIES)
def test_a_step_against_the_gradient_brings_a_box_nearer(name):
    target = torch.tensor([[100.0, 100.0, 140.0, 130.0]])
    for start in ([108.0, 104.0, 152.0, 140.0], [150.0, 150.0, 180.0, 190.0]):
        box = torch.tensor([start], requires_grad=True)
        loss = 1 - SIMILARITIES[name](box, target, SIZE_WH)
        (gradient,) = torch.autograd.grad(loss.sum(), box)
        assert torch.isfinite(gradient).all()
        nearer = (box - gradient / gradient.norm()).detach()
        assert (nearer - target).norm() < (box - target).norm()


@pytest.mark.parametrize('name', SIMILARITIES)
def test_gradients_are_finite_where_boxes_are_equal_or_have_no_area(name):
    target = torch.tensor([[10.0, 10.0, 20.0, 20.0], [10.0, 10.0, 20.0, 20.0]])
    box = torch.tensor([[10.0, 10.0, 20.0, 20.0], [15.0, 15.0, 15.0, 15.0]], requires_grad=True)
    SIMILARITIES[name](box, target, SIZE_WH).sum().backward()
    assert torch.isfinite(box.grad).all()


# Two boxes of 4 by 2, the second 3 to the right and 1 down: hull 7 by 3, overlap 1 of 15.
ONE = torch.tensor([[0.0, 0.0, 4.0, 2.0]])
OTHER = torch.tensor([[3.0, 1.0, 7.0, 3.0]])
IOU = 1 / 15
ANGLE = 1 - 2 * math.sin(math.asin(1 / math.sqrt(10)) - math.pi / 4) ** 2
EXPECTED = {
    'eiou': IOU - 10 / 58,
    'siou': IOU
    - (2 - math.exp(-(2 - ANGLE) * (3 / 7) ** 2) - math.exp(-(2 - ANGLE) * (1 / 3) ** 2)) / 2,
    'wiou': 1 - math.exp(10 / 58) * (1 - IOU),
    'mpdiou': IOU - 20 / (640**2 + 480**2),
    'inner_ciou': -10 / 58,  # the inner boxes, 3 by 1.5, touch and do not overlap
    'nwd': math.exp(-math.sqrt(10) / 12.8),
}


@pytest.mark.parametrize('name', SIMILARITIES)
def test_a_similarity_is_what_its_equation_says(name):
    found = SIMILARITIES[name](ONE, OTHER, SIZE_WH)
    assert found.item() == pytest.approx(EXPECTED[name], abs=1e-4)


def criterion_losses(loss):
    stride = torch.tensor([[8.0], [16.0], [32.0]])
    targets = boxes(3, 2)[None] / stride
    scores = torch.rand(1, 3, 2, generator=torch.Generator().manual_seed(0))
    return loss(
        torch.randn(1, 3, 64, generator=torch.Generator().manual_seed(1)),
        boxes(3, 3)[None] / stride,
        boxes(3, 4)[:, :2] / stride,
        targets,
        scores,
        scores.sum(),
        torch.tensor([[True, False, True]]),
        torch.tensor([480.0, 640.0]),
        stride,
    )


def test_the_loss_takes_boxes_in_pixels_and_leaves_that_of_distributions_alone(monkeypatch):
    seen = []

    def similarity(one, other, size_wh):
        seen.append((one, other, size_wh))
        return torch.ones(len(one), 1)

    monkeypatch.setattr('training.box_losses.SIMILARITIES', {'seen': similarity})
    stock = BboxLoss(16)
    box_loss, distributions = criterion_losses(SimilarityLoss(stock, 'seen'))
    assert box_loss == 0
    assert_close(distributions, criterion_losses(stock)[1])
    one, other, size_wh = seen[0]
    assert_close(one, boxes(3, 3)[[0, 2]])
    assert_close(other, boxes(3, 2)[[0, 2]])
    assert size_wh.tolist() == [640, 480]


def test_the_configuration_offers_every_loss():
    for name in (STOCK_LOSS, *SIMILARITIES):
        assert TrainConfig(model='m', data='d', box_loss=name).box_loss == name
