# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Features of a sequence of scales (Kang et al., SSFF of ASF-YOLO, arXiv:2312.06458)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from ultralytics.nn.modules import Conv

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.registry import register

if TYPE_CHECKING:
    import torch


@register(stands_for='Conv')
class ScaleSequence(nn.Module):
    """The largest answer of several scales to the same filters.

    x (b, scales * c2, h, w), maps of one size one after another -> (b, c2, h, w). Section 3.2:
    the scales are a third dimension of space, over which go a 3D convolution of kernel 1, batch
    normalisation, a leaky ReLU and a maximum. With that kernel it is one 2D convolution shared by
    the scales, normalised over all of them, which folds into one when the model is fused.
    """

    def __init__(self, c1: int, c2: int, *, scales: int = 3) -> None:
        super().__init__()
        if c1 != scales * c2:
            msg = (
                f'ScaleSequence makes {c2} channels of {scales} maps of {c2}, not of {c1} in all.'
            )
            raise BlocksError(msg)
        self.scales = scales
        self.filter = Conv(c2, c2, 1, act=nn.LeakyReLU(0.1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the largest answers, (b, c2, h, w)."""
        batch, channels, height, width = x.shape
        one = channels // self.scales
        y = self.filter(x.reshape(batch * self.scales, one, height, width))
        largest: torch.Tensor = y.reshape(batch, self.scales, one, height, width).amax(1)
        return largest
