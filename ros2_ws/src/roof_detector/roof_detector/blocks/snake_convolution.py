# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Dynamic snake convolution: a strip of taps that bends along thin, curved structures."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from ultralytics.nn.modules.conv import Conv

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.group_normalization import GroupNorm
from roof_detector.blocks.pixel_sampling import coordinate_dtype, sample_bilinear


class SnakeOffsets(nn.Module):
    """A layer that predicts how far the strip bends from each tap to the next.

    (b, c1, h, w) -> (b, k - 1, h, w) in (-1, 1): one step per tap except the centre, which stays.

    The published layer predicts 2 k channels, a dy and a dx per tap, and normalises them in pairs;
    one morph reads only its own k. What the others contribute is one more channel, the partner of
    the end tap in its pair, so that k + 1 channels give the same result and none is dead.
    """

    def __init__(self, c1: int, kernel_size: int, morph: int) -> None:
        super().__init__()
        half = kernel_size // 2
        self.conv = nn.Conv2d(c1, kernel_size + 1, 3, padding=1)
        self.groups = half + 1
        self.weight = nn.Parameter(torch.ones(kernel_size - 1))
        self.bias = nn.Parameter(torch.zeros(kernel_size - 1))
        self.first = 0 if morph == 0 else 1  # the partner comes last for dy and first for dx
        self.centre = self.first + half

    def forward(self, x: Tensor) -> Tensor:
        """Predict the steps: tanh(GN(conv3x3(x))), the centre tap left out."""
        steps = torch.group_norm(self.conv(x), self.groups)
        end = self.first + self.weight.numel() + 1
        steps = torch.cat((steps[:, self.first : self.centre], steps[:, self.centre + 1 : end]), 1)
        return torch.tanh(steps * self.weight[:, None, None] + self.bias[:, None, None])


class SnakeConv(nn.Module):
    """A convolution along a strip that bends; Qi et al., arXiv:2307.08388, section 3.1.

    (b, c1, h, w) -> (b, c2, h, w). Tap c + i of a horizontal strip (`morph` 0) at (row, column)
    reads (row + extend_scope (d_1 + ... + d_i), column + i), with the steps d counted outward from
    the centre tap c, likewise to the other side; `morph` 1 swaps rows and columns. Reading is
    bilinear and clamps to the border. Then y = ReLU(GN(conv)). Without `offset` the strip stays
    straight.
    """

    def __init__(  # noqa: PLR0917  (the published order)
        self,
        c1: int,
        c2: int,
        kernel_size: int = 3,
        morph: int = 0,
        extend_scope: float = 1.0,
        offset: bool = True,  # noqa: FBT001, FBT002  # a positional argument of a model's YAML row
    ) -> None:
        super().__init__()
        if kernel_size < 3 or kernel_size % 2 == 0:
            msg = (
                f'SnakeConv has kernel_size {kernel_size}, expected an odd number from 3, because '
                'the strip bends outward from a centre tap.'
            )
            raise BlocksError(msg)
        if morph not in (0, 1):
            msg = f'SnakeConv has morph {morph}, expected 0 (along x) or 1 (along y).'
            raise BlocksError(msg)
        self.kernel_size, self.morph, self.extend_scope = kernel_size, morph, extend_scope
        self.offsets = SnakeOffsets(c1, kernel_size, morph) if offset else None
        # The strip gathered into channels, c1-major: a (k, 1) convolution of stride k, flattened.
        self.conv = nn.Conv2d(c1 * kernel_size, c2, 1)
        self.norm = GroupNorm(c2 // 4, c2)
        self.act: nn.Module = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Gather the taps of the bent strip and mix them."""
        batch, channels, height, width = x.shape
        rows, columns = self.positions(x)
        taps = sample_bilinear(
            x,
            rows.reshape(batch, self.kernel_size * height, width),
            columns.reshape(batch, self.kernel_size * height, width),
            outside='border',
        )
        taps = taps.reshape(batch, channels * self.kernel_size, height, width)
        return cast('Tensor', self.act(self.norm(self.conv(taps))))

    def positions(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the row and the column of every tap, each (b, k, h, w), in pixels of x."""
        batch, _, height, width = x.shape
        precise = coordinate_dtype(x.dtype)
        half = self.kernel_size // 2
        shape = (batch, self.kernel_size, height, width)
        along = torch.arange(-half, half + 1, dtype=precise, device=x.device)[:, None, None]
        rows = torch.arange(height, dtype=precise, device=x.device)[:, None]
        columns = torch.arange(width, dtype=precise, device=x.device)
        bend: Tensor | float = 0.0
        if self.offsets is not None:
            bend = accumulate_outward(self.offsets(x).to(precise)) * self.extend_scope
        if self.morph == 0:
            return (rows + bend).expand(shape), (columns + along).expand(shape)
        return (rows + along).expand(shape), (columns + bend).expand(shape)


def accumulate_outward(steps: Tensor) -> Tensor:
    """Sum steps (b, k - 1, h, w) outward from a centre of 0 -> (b, k, h, w).

    A chain of additions: it needs no operator that an engine might lack, and writes in no place
    that a gradient passes.
    """
    half = steps.shape[1] // 2
    sums = [torch.zeros_like(steps[:, 0])]
    for i in range(half):
        sums.append(sums[-1] + steps[:, half + i])
        sums.insert(0, sums[0] + steps[:, half - 1 - i])
    return torch.stack(sums, dim=1)


class DySnakeConv(nn.Module):
    """Three views of each position: a square convolution, a horizontal and a vertical snake.

    (b, c1, h, w) -> (b, 3 c2, h, w), concatenated in that order, as in the network of
    arXiv:2307.08388; SiLU throughout, as in the rest of a YOLO.
    """

    def __init__(self, c1: int, c2: int, k: int = 3) -> None:
        super().__init__()
        self.square = Conv(c1, c2, k)
        self.horizontal = SnakeConv(c1, c2, k, 0)
        self.vertical = SnakeConv(c1, c2, k, 1)
        self.horizontal.act = nn.SiLU(inplace=True)
        self.vertical.act = nn.SiLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Concatenate the three views."""
        return torch.cat((self.square(x), self.horizontal(x), self.vertical(x)), dim=1)
