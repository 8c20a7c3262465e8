# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Downsampling without loss: space to depth, then a convolution (SPD-Conv, arXiv:2208.03641)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import nn
from ultralytics.nn.modules import Conv

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.registry import register

if TYPE_CHECKING:
    import torch


@register(stands_for='Conv')
class SPDConv(nn.Module):
    """A stride of 2 that keeps every value, for objects of few pixels.

    x (b, c1, h, w) -> (b, c2, ceil(h / 2), ceil(w / 2)). The four sub-maps of every other row and
    column (equation 1) become channels, and a convolution of stride 1 mixes them. Odd sides get a
    row or column of zeros.
    """

    def __init__(self, c1: int, c2: int, k: int = 3, s: int = 2) -> None:
        super().__init__()
        if s != 2:
            msg = f'SPDConv has a stride of 2, not {s}; take Conv.'
            raise BlocksError(msg)
        self.conv = Conv(4 * c1, c2, k)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the reduced map, (b, c2, ceil(h / 2), ceil(w / 2))."""
        x = F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2))
        y: torch.Tensor = self.conv(F.pixel_unshuffle(x, 2))
        return y
