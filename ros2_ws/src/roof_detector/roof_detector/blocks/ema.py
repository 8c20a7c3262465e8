# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Efficient multi-scale attention across space (Ouyang et al., arXiv:2305.13563)."""

from __future__ import annotations

import torch
from torch import nn

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.registry import register


@register(stands_for='Conv')
class EMA(nn.Module):
    """Attention in groups of channels, from a 1x1 and a 3x3 branch that weigh each other.

    x (b, c, h, w) -> (b, c, h, w). In each group (section 3.2): the means along x and along y pass
    one 1x1 convolution and gate the group, which is then normalised; a 3x3 convolution is the
    other branch. The softmax of each branch's means multiplies the other branch's map, and the
    sigmoid of the sum of both products weighs the group.
    """

    def __init__(self, c1: int, c2: int, *, groups: int = 8) -> None:
        super().__init__()
        if c1 != c2:
            msg = f'EMA keeps its channels, but {c1} come in and {c2} are asked for.'
            raise BlocksError(msg)
        if c1 % groups:
            msg = f'EMA has {groups} groups, which do not divide {c1} channels; give groups.'
            raise BlocksError(msg)
        inner = c1 // groups
        self.groups = groups
        self.mix = nn.Conv2d(inner, inner, 1)
        self.local = nn.Conv2d(inner, inner, 3, padding=1)
        self.norm = nn.GroupNorm(inner, inner)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the weighted map, (b, c, h, w)."""
        batch, channels, height, width = x.shape
        group = x.reshape(batch * self.groups, channels // self.groups, height, width)
        rows = group.mean(3, keepdim=True)
        columns = group.mean(2, keepdim=True).transpose(2, 3)
        rows, columns = self.mix(torch.cat([rows, columns], 2)).split([height, width], 2)
        gated = self.norm(group * rows.sigmoid() * columns.transpose(2, 3).sigmoid())
        local = self.local(group)
        crossed = self._crossed(gated, local) + self._crossed(local, gated)
        weights = crossed.reshape(-1, 1, height, width).sigmoid()
        return (group * weights).reshape(batch, channels, height, width)

    @staticmethod
    def _crossed(means_of: torch.Tensor, places_of: torch.Tensor) -> torch.Tensor:
        """Return the places (b, 1, h w) of one branch, weighed by the channels of the other."""
        share = means_of.mean((2, 3)).softmax(1).unsqueeze(1)
        return share @ places_of.flatten(2)
