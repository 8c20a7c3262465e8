# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Group normalisation for every number of channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GroupNorm(nn.GroupNorm):
    """Group normalisation of (b, c, ...) over `groups` groups, or the next fewer that divide c.

    The stock layer fails if the groups do not divide the channels, or if a group holds a single
    value (one channel of a 1 x 1 map); here such a group normalises to its bias.
    """

    def __init__(self, groups: int, channels: int) -> None:
        at_most = max(1, min(groups, channels))
        super().__init__(next(g for g in range(at_most, 0, -1) if channels % g == 0), channels)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise, scale and shift each sample on its own."""
        return torch.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)
