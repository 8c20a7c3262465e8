# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The multi-scale block of YOLO-MS (Chen et al., arXiv:2308.05480)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from ultralytics.nn.modules import Conv

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.registry import register

if TYPE_CHECKING:
    from collections.abc import Sequence


@register(stands_for='C3k2', repeats='layers_num')
class MSBlock(nn.Module):
    """A block with several kernel sizes for one feature, each branch fed by the one before.

    x (b, c1, h, w) -> (b, c2, h, w). A 1x1 convolution to c1 in_expand_ratio / in_down_ratio
    channels is split evenly into X_1 .. X_n, one for each kernel size; Y_1 = IB_1(X_1) and
    Y_i = IB_i(X_i + Y_(i-1)); a 1x1 convolution joins [Y_1 .. Y_n] (section III-A). IB_k is a
    sequence of layers_num inverted bottlenecks with a k x k depthwise convolution, or, for k = 1,
    the identity. Heterogeneous kernel selection (section III-B) is k = 3, 5, 7, 9 from the first
    stage of the backbone to the last, and 3 in the neck.
    """

    def __init__(  # noqa: PLR0917  (the published order)
        self,
        c1: int,
        c2: int,
        kernel_sizes: Sequence[int] = (1, 3, 3),
        in_expand_ratio: float = 3,
        mid_expand_ratio: float = 2,
        layers_num: int = 3,
        in_down_ratio: float = 1,
    ) -> None:
        super().__init__()
        if not kernel_sizes or any(kernel % 2 == 0 for kernel in kernel_sizes):
            msg = (
                f'The kernel sizes of MSBlock are one odd number for each branch, '
                f'not {list(kernel_sizes)}.'
            )
            raise BlocksError(msg)
        width = max(int(c1 * in_expand_ratio / in_down_ratio) // len(kernel_sizes), 1)
        middle = max(int(width * mid_expand_ratio), 1)
        self.expand = Conv(c1, width * len(kernel_sizes))
        self.branches = nn.ModuleList(
            nn.Identity()
            if kernel == 1
            else nn.Sequential(
                *(_inverted_bottleneck(width, middle, kernel) for _ in range(layers_num))
            )
            for kernel in kernel_sizes
        )
        self.join = Conv(width * len(kernel_sizes), c2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output, (b, c2, h, w)."""
        first, *others = self.expand(x).chunk(len(self.branches), 1)
        outputs = [self.branches[0](first)]
        for part, branch in zip(others, self.branches[1:], strict=True):
            outputs.append(branch(part + outputs[-1]))
        return self.join(torch.cat(outputs, 1))


def _inverted_bottleneck(channels: int, middle: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        Conv(channels, middle), Conv(middle, middle, kernel, g=middle), Conv(middle, channels)
    )
