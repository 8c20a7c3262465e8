# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Simple, parameter-free attention (Yang et al., SimAM, ICML 2021, PMLR 139)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.registry import register

if TYPE_CHECKING:
    import torch


@register(stands_for='Conv')
class SimAM(nn.Module):
    """Attention by how much a value differs from the others of its channel.

    x (b, c, h, w) -> x * sigmoid(1 / e), with the least energy e of equation 5: 1 / e =
    (x - mean)^2 / (4 (variance + `regularisation`)) + 1 / 2, the variance over h w - 1.
    """

    def __init__(self, c1: int, c2: int, *, regularisation: float = 1e-4) -> None:
        super().__init__()
        if c1 != c2:
            msg = f'SimAM keeps its channels, but {c1} come in and {c2} are asked for.'
            raise BlocksError(msg)
        self.regularisation = regularisation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the weighted map, (b, c, h, w)."""
        squares = (x - x.mean((2, 3), keepdim=True)).square()
        others = max(x.shape[2] * x.shape[3] - 1, 1)
        variance = squares.sum((2, 3), keepdim=True) / others
        return x * (squares / (4 * (variance + self.regularisation)) + 0.5).sigmoid()
