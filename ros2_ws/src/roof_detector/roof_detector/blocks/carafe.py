# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Upsampling by kernels predicted from the map (Wang et al., CARAFE, arXiv:1905.02188)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.registry import register

_SCALE = 2


@register(stands_for='Conv')
class CARAFE(nn.Module):
    """A map of twice the size, each value a weighted mean of its place's neighbourhood.

    x (b, c, h, w) -> (b, c, 2 h, 2 w). A 1x1 convolution to `hidden` channels, a convolution of
    `kernel` - 2 places and a pixel shuffle give each output place `kernel` squared weights, whose
    softmax (section 3.2.2) sums the neighbourhood of the place that it comes from (equation 2).
    Beyond the border is zero, as in the published operator.
    """

    def __init__(self, c1: int, c2: int, *, kernel: int = 5, hidden: int = 64) -> None:
        super().__init__()
        if c1 != c2:
            msg = f'CARAFE keeps its channels, but {c1} come in and {c2} are asked for.'
            raise BlocksError(msg)
        if kernel < 3 or kernel % 2 == 0:
            msg = f'The kernel of CARAFE is an odd number from 3 on, not {kernel}.'
            raise BlocksError(msg)
        self.kernel = kernel
        self.compress = nn.Conv2d(c1, hidden, 1)
        self.encode = nn.Conv2d(
            hidden, kernel**2 * _SCALE**2, kernel - 2, padding=(kernel - 2) // 2
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the larger map, (b, c, 2 h, 2 w)."""
        batch, channels, height, width = x.shape
        # Weights (b, k k, 4, h, w): the four output places of each place of the input.
        weights = self.encode(self.compress(x)).float()
        weights = weights.reshape(batch, self.kernel**2, _SCALE**2, height, width).softmax(1)
        weights = weights.to(x.dtype)
        reach = self.kernel // 2
        padded = F.pad(x, (reach, reach, reach, reach))
        # One neighbour after the other: all at once would hold the map 25 times.
        total = x.new_zeros(1)
        for place in range(self.kernel**2):
            row, column = divmod(place, self.kernel)
            neighbour = padded[:, :, row : row + height, column : column + width]
            total = total + neighbour.unsqueeze(2) * weights[:, place].unsqueeze(1)
        flat = total.reshape(batch, channels * _SCALE**2, height, width)
        return F.pixel_shuffle(flat, _SCALE)
