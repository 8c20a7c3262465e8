# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Downsampling by pooling (Kang et al., the triple encoder of ASF-YOLO, arXiv:2312.06458)."""

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
class MixedPool(nn.Module):
    """A larger map brought to half its size: the sum of the maximum and the mean of each four.

    x (b, c1, h, w) -> (b, c2, ceil(h / 2), ceil(w / 2)), after a 1x1 convolution to c2 channels
    (section 3.3, the branch of the large map).
    """

    def __init__(self, c1: int, c2: int, k: int = 1, s: int = 2) -> None:
        super().__init__()
        if (k, s) != (1, 2):
            msg = f'MixedPool has a kernel of 1 and a stride of 2, not {k} and {s}; take Conv.'
            raise BlocksError(msg)
        self.project = Conv(c1, c2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the reduced map, (b, c2, ceil(h / 2), ceil(w / 2))."""
        y = self.project(x)
        y = F.pad(y, (0, y.shape[3] % 2, 0, y.shape[2] % 2), mode='replicate')
        return F.max_pool2d(y, 2) + F.avg_pool2d(y, 2)
