# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The two-dimensional selective scan (VMamba, Liu et al., arXiv:2401.10166)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from roof_detector.blocks.scan.cross_scan import DIRECTIONS, cross_merge, cross_scan
from roof_detector.blocks.scan.selective_scan import selective_scan

if TYPE_CHECKING:
    from roof_detector.blocks.scan.selective_scan import ScanMethod

# The range of initial step sizes, log-uniform, as in Mamba (arXiv:2312.00752, section 3.6).
SHORTEST_STEP, LONGEST_STEP = 1e-3, 1e-1
# Mamba's rank of the step size: a sixteenth of the channels.
CHANNELS_PER_RANK = 16


class SS2D(nn.Module):
    """A layer in which every pixel sees the whole image, by four scans of linear cost.

    x (b, c, h, w) -> (b, c, h, w), any h and w (arXiv:2401.10166, section 4.2, without the
    multiplicative branch, as in the released models): a 1x1 convolution to c' = c * ssm_ratio
    channels, a depthwise 3x3 convolution and SiLU; the four readings, each with its own A, B, C, D
    and step size, B, C and the step size being linear in the input; a selective scan of all four
    as groups; their sum, a layer normalisation over the channels, and a 1x1 convolution back.

    A is kept as its logarithm, and all that a float16 checkpoint stores is far from that type's
    limits. The scan computes in float32 under autocast and in half-precision models.
    """

    def __init__(
        self,
        channels: int,
        *,
        d_state: int = 1,
        ssm_ratio: float = 1.0,
        dt_rank: int | None = None,
        method: Literal['auto', ScanMethod] = 'auto',
    ) -> None:
        super().__init__()
        inner = max(int(channels * ssm_ratio), 1)
        rank = dt_rank or math.ceil(channels / CHANNELS_PER_RANK)
        self.d_state, self.dt_rank, self.method = d_state, rank, method
        self.enter = nn.Conv2d(channels, inner, 1)
        self.mix = nn.Conv2d(inner, inner, 3, padding=1, groups=inner)
        self.project = nn.Conv1d(
            DIRECTIONS * inner,
            DIRECTIONS * (rank + 2 * d_state),
            1,
            groups=DIRECTIONS,
            bias=False,
        )
        self.step = nn.Conv1d(
            DIRECTIONS * rank, DIRECTIONS * inner, 1, groups=DIRECTIONS, bias=False
        )
        # Three dimensions, so that no optimiser takes it for a matrix to orthogonalise.
        rates = torch.arange(1, d_state + 1, dtype=torch.float32)
        self.A_log = nn.Parameter(rates.log().expand(DIRECTIONS, inner, d_state).clone())
        self.skip = nn.Parameter(torch.ones(DIRECTIONS * inner))
        self.dt_bias = nn.Parameter(_initial_step_bias(DIRECTIONS * inner))
        self.norm = ChannelNorm(inner)
        self.leave = nn.Conv2d(inner, channels, 1)
        nn.init.uniform_(self.step.weight, -(rank**-0.5), rank**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, (b, c, h, w)."""
        image = F.silu(self.mix(self.enter(x)))
        batch, inner, height, width = image.shape
        u = cross_scan(image).flatten(1, 2)
        projections = self.project(u).unflatten(1, (DIRECTIONS, -1))
        steps, B, C = projections.split((self.dt_rank, self.d_state, self.d_state), dim=2)
        # At least float32: exp amplifies the rounding of a logarithm in half precision.
        A_log = self.A_log.to(torch.promote_types(self.A_log.dtype, torch.float32))
        y = selective_scan(
            u,
            self.step(steps.flatten(1, 2)),
            -torch.exp(A_log).flatten(0, 1),
            B,
            C,
            D=self.skip,
            delta_bias=self.dt_bias,
            delta_softplus=True,
            method=self.method,
        )
        sequences = y.reshape(batch, DIRECTIONS, inner, -1)
        return self.leave(self.norm(cross_merge(sequences, height=height, width=width)))


class ChannelNorm(nn.LayerNorm):
    """A normalisation of the channels of each pixel: x (b, c, h, w) -> (b, c, h, w)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised image, (b, c, h, w)."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _initial_step_bias(size: int) -> Tensor:
    """Return the bias for which softplus gives log-uniform step sizes."""
    low, high = math.log(SHORTEST_STEP), math.log(LONGEST_STEP)
    step = torch.exp(torch.rand(size) * (high - low) + low)
    return step + torch.log(-torch.expm1(-step))
