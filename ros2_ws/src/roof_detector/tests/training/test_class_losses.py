# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close
from ultralytics.utils.loss import BboxLoss, RotatedBboxLoss

from training.box_losses import STOCK_LOSS, SimilarityLoss
from training.class_losses import CLASS_LOSSES, STOCK_CLASS_LOSS, ClassLoss
from training.criterion import use_losses
from training.errors import TrainingError
from training.train_config import TrainConfig

# The score whose sigmoid is 0.8, and the losses by their equations.
SCORE = math.log(4)
EXPECTED = {
    ('focal', 1.0): -0.25 * 0.2**2 * math.log(0.8),
    ('focal', 0.0): -0.75 * 0.8**2 * math.log(0.2),
    ('quality_focal', 0.5): -(0.3**2) * (0.5 * math.log(0.8) + 0.5 * math.log(0.2)),
    ('quality_focal', 0.0): -(0.8**2) * math.log(0.2),
    ('varifocal', 0.5): -0.5 * (0.5 * math.log(0.8) + 0.5 * math.log(0.2)),
    ('varifocal', 0.0): -0.75 * 0.8**2 * math.log(0.2),
}


@pytest.mark.parametrize(('name', 'target'), EXPECTED)
def test_a_class_loss_is_what_its_equation_says(name, target):
    found = CLASS_LOSSES[name](torch.tensor([SCORE]), torch.tensor([target]))
    assert found.item() == pytest.approx(EXPECTED[name, target], rel=1e-5)


@pytest.mark.parametrize('name', CLASS_LOSSES)
def test_a_class_loss_falls_towards_its_target_and_is_finite_far_from_it(name):
    loss = ClassLoss(name)
    for target in (0.0, 1.0):
        scores = torch.tensor([-90.0, -3.0, 0.0, 3.0, 90.0], requires_grad=True)
        values = loss(scores, torch.full((5,), target))
        assert values.shape == (5,)
        (gradient,) = torch.autograd.grad(values.sum(), scores)
        assert torch.isfinite(values).all()
        assert torch.isfinite(gradient).all()
        assert (gradient[1:4] > 0).all() == (target == 0)
    assert loss(scores.bfloat16(), torch.ones(5).bfloat16()).dtype == torch.float32
    assert loss(scores[:0], torch.ones(0)).shape == (0,)


@pytest.mark.parametrize('name', CLASS_LOSSES)
def test_the_known_background_weighs_less_beside_hard_scores_than_in_cross_entropy(name):
    known, hard = CLASS_LOSSES[name](torch.tensor([-4.0, 2.0]), torch.zeros(2))
    easy, plain = torch.nn.functional.softplus(torch.tensor([-4.0, 2.0]))
    assert known / hard < 0.01 * easy / plain


def model_of(bbox_loss):
    own = SimpleNamespace(bbox_loss=bbox_loss, bce=torch.nn.BCEWithLogitsLoss(reduction='none'))
    return SimpleNamespace(criterion=None, init_criterion=lambda: own)


def test_a_model_gets_the_losses_that_are_named_and_keeps_its_own_otherwise():
    model = model_of(BboxLoss(16))
    use_losses(model, box_loss=STOCK_LOSS, class_loss=STOCK_CLASS_LOSS)
    assert model.criterion is None
    use_losses(model, box_loss='nwd', class_loss=STOCK_CLASS_LOSS)
    assert isinstance(model.criterion.bbox_loss, SimilarityLoss)
    assert isinstance(model.criterion.bce, torch.nn.BCEWithLogitsLoss)
    model = model_of(RotatedBboxLoss(16))
    use_losses(model, box_loss=STOCK_LOSS, class_loss='varifocal')
    assert isinstance(model.criterion.bce, ClassLoss)
    assert_close(model.criterion.bce(torch.zeros(1), torch.ones(1)), torch.tensor([math.log(2)]))


def test_rotated_boxes_have_no_loss_of_upright_ones():
    with pytest.raises(TrainingError, match='box_loss is nwd, which compares upright boxes'):
        use_losses(model_of(RotatedBboxLoss(16)), box_loss='nwd', class_loss='bce')


def test_the_configuration_offers_every_class_loss():
    for name in (STOCK_CLASS_LOSS, *CLASS_LOSSES):
        assert TrainConfig(model='m', data='d', class_loss=name).class_loss == name
    with pytest.raises(TrainingError, match='class_loss'):
        TrainConfig(model='m', data='d', class_loss='hinge')
