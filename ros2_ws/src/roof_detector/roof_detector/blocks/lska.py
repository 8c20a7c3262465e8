# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Large separable kernel attention (Lau, Po and Rehman, LSKA, arXiv:2309.01439)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.registry import register

if TYPE_CHECKING:
    import torch


@register(stands_for='Conv')
class LSKA(nn.Module):
    """Attention from a large kernel that is computed as four thin ones.

    x (b, c, h, w) -> x * A (equations 9 to 12): A is a 1x1 convolution of depth-wise kernels 1 x n
    and n x 1, n = 2 d - 1, and of 1 x m and m x 1 with dilation d, m = floor(`kernel` / d), made
    odd. Together they see `kernel` places each way.
    """

    def __init__(self, c1: int, c2: int, *, kernel: int = 23, dilation: int = 3) -> None:
        super().__init__()
        if c1 != c2:
            msg = f'LSKA keeps its channels, but {c1} come in and {c2} are asked for.'
            raise BlocksError(msg)
        near = 2 * dilation - 1
        far = kernel // dilation
        far -= (far + 1) % 2
        if far < 1:
            msg = f'kernel is {kernel}, which must be no less than the dilation, {dilation}.'
            raise BlocksError(msg)
        reach = dilation * (far // 2)
        self.near_x = nn.Conv2d(c1, c1, (1, near), padding=(0, near // 2), groups=c1)
        self.near_y = nn.Conv2d(c1, c1, (near, 1), padding=(near // 2, 0), groups=c1)
        self.far_x = nn.Conv2d(
            c1, c1, (1, far), padding=(0, reach), dilation=(1, dilation), groups=c1
        )
        self.far_y = nn.Conv2d(
            c1, c1, (far, 1), padding=(reach, 0), dilation=(dilation, 1), groups=c1
        )
        self.mix = nn.Conv2d(c1, c1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the weighted map, (b, c, h, w)."""
        weights = self.far_y(self.far_x(self.near_y(self.near_x(x))))
        y: torch.Tensor = x * self.mix(weights)
        return y
