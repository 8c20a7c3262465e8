# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Losses of classes: what replaces the binary cross-entropy in ultralytics' criterion.

Each takes scores before the sigmoid and targets of one shape, the targets between 0 (background)
and 1, as the assigner of YOLO11 gives them: how well the box fits. It returns the loss of each
score; the criterion divides their sum by that of the targets.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

_FOCAL_ALPHA, _FOCAL_GAMMA = 0.25, 2.0  # the best of table 1b
_QUALITY_BETA = 2.0  # the best of table 1
_VARI_ALPHA, _VARI_GAMMA = 0.75, 2.0  # the best of table 2


def focal(scores: Tensor, targets: Tensor) -> Tensor:
    """Return -alpha_t (1 - p_t)^gamma log p_t (Lin et al., arXiv:1708.02002, equation 5).

    For targets between 0 and 1 both terms of the cross-entropy are weighed, each by its share.
    """
    share = scores.sigmoid()
    hit = targets * _FOCAL_ALPHA * (1 - share).pow(_FOCAL_GAMMA) * F.softplus(-scores)
    miss = (1 - targets) * (1 - _FOCAL_ALPHA) * share.pow(_FOCAL_GAMMA) * F.softplus(scores)
    return hit + miss


def quality_focal(scores: Tensor, targets: Tensor) -> Tensor:
    """Return the QFL (Li et al., arXiv:2006.04388, equation 5): cross-entropy |y - p|^beta."""
    return (targets - scores.sigmoid()).abs().pow(_QUALITY_BETA) * _cross_entropy(scores, targets)


def varifocal(scores: Tensor, targets: Tensor) -> Tensor:
    """Return the varifocal loss (Zhang et al., arXiv:2008.13367, equation 2).

    An object's cross-entropy is weighed by its target, the background's by alpha p^gamma.
    """
    background = _VARI_ALPHA * scores.sigmoid().pow(_VARI_GAMMA)
    weights = torch.where(targets > 0, targets, background)
    return weights * _cross_entropy(scores, targets)


STOCK_CLASS_LOSS: Final = 'bce'
CLASS_LOSSES: Final[Mapping[str, Callable[[Tensor, Tensor], Tensor]]] = MappingProxyType(
    {'focal': focal, 'quality_focal': quality_focal, 'varifocal': varifocal}
)


class ClassLoss(torch.nn.Module):
    """A loss of classes by its name, in the place of torch's BCEWithLogitsLoss."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, scores: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each score, in float32."""
        return CLASS_LOSSES[self.name](scores.float(), targets.float())


def _cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(scores, targets, reduction='none')
