# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""VMamba's visual state space block (Liu et al., arXiv:2401.10166) as a stage of YOLO11."""

from __future__ import annotations

from torch import Tensor, nn
from ultralytics.nn.modules import Conv

from roof_detector.blocks.c3k2_stage import C3k2Stage
from roof_detector.blocks.registry import register
from roof_detector.blocks.scan.ss2d import SS2D, ChannelNorm


@register(stands_for='C3k2')
class VSSBlock(nn.Module):
    """A residual block of the four-direction scan and a two-layer perceptron.

    x (b, c1, h, w) -> (b, c2, h, w). With x0 = x, or a 1x1 convolution to c2 channels where c1
    differs: x1 = x0 + SS2D(norm(x0)), y = x1 + W2 gelu(W1 norm(x1)) (figure 3 of the paper), the
    perceptron with c2 * mlp_ratio hidden channels. The paper's ratio is 4; 2, the default, keeps
    a stage near the cost of the one it replaces.
    """

    def __init__(
        self,
        c1: int,
        c2: int,
        *,
        d_state: int = 1,
        ssm_ratio: float = 1.0,
        mlp_ratio: float = 2.0,
    ) -> None:
        super().__init__()
        hidden = max(int(c2 * mlp_ratio), 1)
        self.match = nn.Identity() if c1 == c2 else Conv(c1, c2, 1, act=False)
        self.scan = nn.Sequential(ChannelNorm(c2), SS2D(c2, d_state=d_state, ssm_ratio=ssm_ratio))
        self.perceptron = nn.Sequential(
            ChannelNorm(c2), nn.Conv2d(c2, hidden, 1), nn.GELU(), nn.Conv2d(hidden, c2, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, (b, c2, h, w)."""
        x = self.match(x)
        x = x + self.scan(x)
        return x + self.perceptron(x)


@register(stands_for='C3k2')
class C3k2_VSS(C3k2Stage):  # noqa: N801  (named like the stage it replaces)
    """Ultralytics' C3k2 stage with VSS blocks instead of bottlenecks.

    One VSS block replaces each bottleneck or C3k of the stage: one scan reaches the whole image,
    so that two nested in a C3k would double the cost for no more reach.
    """

    def __init__(
        self,
        c1: int,
        c2: int,
        n: int = 1,
        *,
        e: float = 0.5,
        d_state: int = 1,
        ssm_ratio: float = 1.0,
        mlp_ratio: float = 2.0,
    ) -> None:
        def inner(c: int) -> nn.Module:
            return VSSBlock(c, c, d_state=d_state, ssm_ratio=ssm_ratio, mlp_ratio=mlp_ratio)

        super().__init__(c1, c2, n, e=e, inner=inner)
