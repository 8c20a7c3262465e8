# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The C3k2 stage of YOLO11 with snake convolutions."""

from __future__ import annotations

import torch
from torch import nn
from ultralytics.nn.modules import Conv

from roof_detector.blocks.c3k2_stage import C3k2Stage
from roof_detector.blocks.registry import register
from roof_detector.blocks.snake_convolution import DySnakeConv


class SnakeBottleneck(nn.Module):
    """A bottleneck with snakes inside: y = x + conv1x1(snakes(conv3x3(x))).

    (b, c, h, w) -> (b, c, h, w), with half the channels inside.
    """

    def __init__(self, c: int, kernel_size: int) -> None:
        super().__init__()
        hidden = max(c // 2, 1)
        self.narrow = Conv(c, hidden, 3)
        self.snakes = DySnakeConv(hidden, hidden, kernel_size)
        self.widen = Conv(3 * hidden, c, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output, (b, c, h, w)."""
        y: torch.Tensor = self.widen(self.snakes(self.narrow(x)))
        return x + y


@register(stands_for='C3k2')
class C3k2_SnakeConv(C3k2Stage):  # noqa: N801  (named like the stage it replaces)
    """Ultralytics' C3k2 stage with snake bottlenecks (see snake_convolution.py).

    The default of 5 taps bends twice to each side: enough to follow a crack or a gutter around a
    corner, where 3 taps only tilt.
    """

    def __init__(
        self,
        c1: int,
        c2: int,
        n: int = 1,
        *,
        c3k: bool = False,
        e: float = 0.5,
        kernel_size: int = 5,
    ) -> None:
        super().__init__(c1, c2, n, c3k=c3k, e=e, inner=lambda c: SnakeBottleneck(c, kernel_size))
