# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The losses of a training run, put into ultralytics' criterion."""

from __future__ import annotations

from typing import Any

from ultralytics.utils.loss import RotatedBboxLoss

from training.box_losses import STOCK_LOSS, SimilarityLoss
from training.class_losses import STOCK_CLASS_LOSS, ClassLoss
from training.errors import TrainingError


def use_losses(model: Any, *, box_loss: str, class_loss: str) -> None:
    """Give a model that has its training arguments a criterion with the losses of these names.

    With the stock names the model keeps its own. Raises TrainingError for a loss of upright boxes
    in a model of rotated ones.
    """
    if (box_loss, class_loss) == (STOCK_LOSS, STOCK_CLASS_LOSS):
        return
    criterion = model.init_criterion()
    if box_loss != STOCK_LOSS:
        if isinstance(criterion.bbox_loss, RotatedBboxLoss):
            msg = (
                f'box_loss is {box_loss}, which compares upright boxes; a model of rotated boxes '
                f'has ProbIoU alone. Leave box_loss at {STOCK_LOSS}.'
            )
            raise TrainingError(msg)
        criterion.bbox_loss = SimilarityLoss(criterion.bbox_loss, box_loss)
    if class_loss != STOCK_CLASS_LOSS:
        criterion.bce = ClassLoss(class_loss)
    model.criterion = criterion
