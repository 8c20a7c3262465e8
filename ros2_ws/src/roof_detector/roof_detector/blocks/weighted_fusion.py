# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The weighted sum of maps (Tan, Pang and Le, EfficientDet's BiFPN, arXiv:1911.09070)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.registry import register

if TYPE_CHECKING:
    from collections.abc import Sequence

_EPSILON = 1e-4


@register(stands_for='CBFuse')
class WeightedFusion(nn.Module):
    """Fast normalised fusion: the sum of maps of one shape, each with a weight that is learned.

    [(b, c, h, w)] * `inputs` -> (b, c, h, w): sum of w_i x_i / (0.0001 + sum of w_j), each w the
    ReLU of a parameter that begins at 1 (section 3.3).
    """

    def __init__(self, *, inputs: int) -> None:
        super().__init__()
        if inputs < 2:
            msg = f'WeightedFusion joins at least two maps, not {inputs}.'
            raise BlocksError(msg)
        self.weights = nn.Parameter(torch.ones(inputs))

    def forward(self, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the weighted sum, (b, c, h, w)."""
        if len(maps) != len(self.weights):
            msg = f'WeightedFusion has {len(self.weights)} weights, but {len(maps)} maps come in.'
            raise BlocksError(msg)
        weights = torch.relu(self.weights)
        weights = (weights / (weights.sum() + _EPSILON)).to(maps[0].dtype)
        total = maps[0] * weights[0]
        for place in range(1, len(maps)):
            total = total + maps[place] * weights[place]
        return total
