# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A piecewise linear activation whose pieces depend on the image."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from roof_detector.blocks.errors import BlocksError

SLOPE_RANGE, INTERCEPT_RANGE = 1.0, 0.5  # the lambda_a and lambda_b of the paper


def hard_sigmoid(x: Tensor) -> Tensor:
    """Clip (x + 3) / 6 to [0, 1].

    Spelt out, because the gradient of torch's own takes 1 / 6 in float32, even in double.
    """
    return F.relu6(x + 3) / 6


class DyReLU(nn.Module):
    """The activation y = max_k (a_k(x) x + b_k(x)); Chen et al., arXiv:2003.10027, section 3.

    (b, c, h, w) -> the same. With v = hard_sigmoid(MLP(mean of x)) in [0, 1]:
    a_1 = 1 + 2 (v - 1/2), a_2 = 2 (v - 1/2), b_k = v - 1/2, so that MLP = 0 gives a plain ReLU.

    `pieces` is K, 1 or 2; without `bias` the b_k are 0. `variant` is the paper's: A shares the
    coefficients between all channels, B has them per channel, C weighs those of B by position with
    pi = min(h w / 3 softmax(BN(1x1(x)) / temperature), 1).
    """

    def __init__(
        self,
        c: int,
        *,
        reduction: int = 4,
        pieces: int = 2,
        bias: bool = True,
        variant: Literal['A', 'B', 'C'] = 'B',
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        if pieces not in (1, 2):
            msg = f'DyReLU is asked for {pieces} pieces: give it 1 or 2.'
            raise BlocksError(msg)
        if variant not in ('A', 'B', 'C'):
            msg = f"DyReLU has no variant '{variant}': choose A, B or C."
            raise BlocksError(msg)
        self.pieces, self.bias, self.temperature = pieces, bias, temperature
        hidden = max(1, c // reduction)
        coefficients = pieces * (2 if bias else 1) * (1 if variant == 'A' else c)
        self.squeeze = nn.Conv2d(c, hidden, 1)
        self.excite = nn.Conv2d(hidden, coefficients, 1)
        nn.init.normal_(self.excite.weight, std=0.01)
        nn.init.zeros_(self.excite.bias)  # type: ignore[arg-type]  # it has one
        self.position = (
            nn.Sequential(nn.Conv2d(c, 1, 1), nn.BatchNorm2d(1)) if variant == 'C' else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """Activate each channel with the line or lines chosen for this image."""
        pooled = x.mean((2, 3), keepdim=True)
        v = hard_sigmoid(self.excite(F.relu(self.squeeze(pooled)))) - 0.5
        # Published order: a_1, b_1, a_2, b_2.
        chunks = v.chunk(self.pieces * (2 if self.bias else 1), dim=1)
        step = 2 if self.bias else 1
        lines = []
        for k in range(self.pieces):
            slope = chunks[k * step] * (2 * SLOPE_RANGE) + (1.0 if k == 0 else 0.0)
            line = x * slope
            lines.append(
                line + chunks[k * step + 1] * (2 * INTERCEPT_RANGE) if self.bias else line
            )
        y = lines[0] if self.pieces == 1 else torch.maximum(lines[0], lines[1])
        # pi >= 0, so that weighing the result is weighing every a_k and b_k.
        return y if self.position is None else y * self._position_weight(x)

    def _position_weight(self, x: Tensor) -> Tensor:
        assert self.position is not None
        logits = self.position(x)
        height, width = logits.shape[2:]
        share = torch.softmax(logits.flatten(2) / self.temperature, dim=-1)
        return (share * (height * width / 3)).clamp(max=1).reshape(logits.shape)
