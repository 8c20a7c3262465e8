# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Losses of boxes: what replaces the complete IoU in ultralytics' criterion.

Each similarity takes predicted and labelled boxes (n, 4) as xyxy in pixels and the image's size,
and returns (n, 1), 1 for equal boxes; the loss is 1 less it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import torch
from ultralytics.utils.loss import BboxLoss
from ultralytics.utils.metrics import bbox_iou

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

_EPS = 1e-7
# The mean side of small objects in pixels, by which NWD measures distances (section 3.2).
_NWD_SIDE_PX = 12.8
_INNER_RATIO = 0.75  # below 1 the gradient grows for boxes that overlap much (section 3.2)
_SIOU_THETA = 4


def efficient_iou(boxes: Tensor, targets: Tensor, _size_wh: Tensor) -> Tensor:
    """Return the EIoU (Zhang et al., arXiv:2101.08158, equation 6)."""
    hull = _hull_wh(boxes, targets)
    middles = (_middle(boxes) - _middle(targets)).square().sum(1, keepdim=True)
    sides = ((_wh(boxes) - _wh(targets)) / (hull + _EPS)).square().sum(1, keepdim=True)
    return _iou(boxes, targets) - middles / (hull.square().sum(1, keepdim=True) + _EPS) - sides


def scylla_iou(boxes: Tensor, targets: Tensor, _size_wh: Tensor) -> Tensor:
    """Return the SIoU (Gevorgyan, arXiv:2205.12740): angle, distance, shape, equations 1 to 5."""
    hull = _hull_wh(boxes, targets)
    away = (_middle(targets) - _middle(boxes)).abs()
    length = away.square().sum(1, keepdim=True).add(_EPS).sqrt()
    sine = (away[:, 1:] / length).clamp(0, 1 - 1e-6)
    angle = 1 - 2 * torch.sin(torch.arcsin(sine) - torch.pi / 4).square()
    apart = (away / (hull + _EPS)).square()
    distance = (1 - torch.exp((angle - 2) * apart)).sum(1, keepdim=True)
    unlike = (_wh(boxes) - _wh(targets)).abs() / torch.maximum(_wh(boxes), _wh(targets)).add(_EPS)
    shape = (1 - torch.exp(-unlike)).pow(_SIOU_THETA).sum(1, keepdim=True)
    return _iou(boxes, targets) - (distance + shape) / 2


def wise_iou(boxes: Tensor, targets: Tensor, _size_wh: Tensor) -> Tensor:
    """Return 1 less the Wise-IoU loss v1 (Tong et al., arXiv:2301.10051, equations 4 and 5)."""
    hull = _hull_wh(boxes, targets).square().sum(1, keepdim=True).detach()
    middles = (_middle(boxes) - _middle(targets)).square().sum(1, keepdim=True)
    return 1 - torch.exp(middles / (hull + _EPS)) * (1 - _iou(boxes, targets))


def corner_iou(boxes: Tensor, targets: Tensor, size_wh: Tensor) -> Tensor:
    """Return the IoU less both corners' distances (Ma and Xu, MPDIoU, arXiv:2307.07662)."""
    diagonal = size_wh.square().sum()
    corners = (boxes - targets).square().sum(1, keepdim=True)
    return _iou(boxes, targets) - corners / diagonal


def inner_iou(boxes: Tensor, targets: Tensor, _size_wh: Tensor) -> Tensor:
    """Return the CIoU with the IoU of inner boxes (Zhang et al., Inner-IoU, arXiv:2311.02877)."""
    complete = bbox_iou(boxes, targets, xywh=False, CIoU=True)
    return complete - _iou(boxes, targets) + _iou(_inner(boxes), _inner(targets))


def wasserstein(boxes: Tensor, targets: Tensor, _size_wh: Tensor) -> Tensor:
    """Return the normalised Wasserstein distance (Wang et al., NWD, arXiv:2110.13389, equation 8).

    A box is a Gaussian of its middle and half its sides; objects of a few pixels that do not
    overlap still have a gradient.
    """
    middles = (_middle(boxes) - _middle(targets)).square().sum(1, keepdim=True)
    sides = (_wh(boxes) - _wh(targets)).square().sum(1, keepdim=True) / 4
    return torch.exp(-(middles + sides + _EPS).sqrt() / _NWD_SIDE_PX)


STOCK_LOSS: Final = 'ciou'
SIMILARITIES: Final[Mapping[str, Callable[[Tensor, Tensor, Tensor], Tensor]]] = MappingProxyType(
    {
        'eiou': efficient_iou,
        'siou': scylla_iou,
        'wiou': wise_iou,
        'mpdiou': corner_iou,
        'inner_ciou': inner_iou,
        'nwd': wasserstein,
    }
)


class SimilarityLoss(BboxLoss):
    """Ultralytics' loss of boxes with another similarity; its loss of distributions stays."""

    def __init__(self, stock: BboxLoss, name: str) -> None:
        torch.nn.Module.__init__(self)
        self.dfl_loss = stock.dfl_loss
        self.name = name

    def forward(  # noqa: PLR0917 - the signature is ultralytics'
        self,
        pred_dist: Tensor,
        pred_bboxes: Tensor,
        anchor_points: Tensor,
        target_bboxes: Tensor,
        target_scores: Tensor,
        target_scores_sum: Tensor,
        fg_mask: Tensor,
        imgsz: Tensor,
        stride: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return the losses of boxes and of distributions; boxes come in units of the stride."""
        _, distributions = super().forward(
            pred_dist,
            pred_bboxes,
            anchor_points,
            target_bboxes,
            target_scores,
            target_scores_sum,
            fg_mask,
            imgsz,
            stride,
        )
        weights = target_scores[fg_mask].sum(-1, keepdim=True)
        pixels = stride.expand(*pred_bboxes.shape[:2], 1)[fg_mask]
        size_wh = imgsz.flip(0).to(pred_bboxes)
        boxes, targets = pred_bboxes[fg_mask] * pixels, target_bboxes[fg_mask] * pixels
        similarity = SIMILARITIES[self.name](boxes.float(), targets.float(), size_wh.float())
        return ((1 - similarity) * weights).sum() / target_scores_sum, distributions


def _iou(boxes: Tensor, targets: Tensor) -> Tensor:
    found: Tensor = bbox_iou(boxes, targets, xywh=False)
    return found


def _wh(boxes: Tensor) -> Tensor:
    return boxes[:, 2:] - boxes[:, :2]


def _middle(boxes: Tensor) -> Tensor:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _hull_wh(boxes: Tensor, targets: Tensor) -> Tensor:
    high = torch.maximum(boxes[:, 2:], targets[:, 2:])
    return high - torch.minimum(boxes[:, :2], targets[:, :2])


def _inner(boxes: Tensor) -> Tensor:
    half = _wh(boxes) * (_INNER_RATIO / 2)
    return torch.cat([_middle(boxes) - half, _middle(boxes) + half], 1)
