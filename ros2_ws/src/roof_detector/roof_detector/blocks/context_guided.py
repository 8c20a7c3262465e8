# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Context-guided blocks (Wu et al., "CGNet", arXiv:1811.08201)."""

from __future__ import annotations

import torch
from torch import nn
from ultralytics.nn.modules import Conv

from roof_detector.blocks.c3k2_stage import C3k2Stage
from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.registry import register

# The batch normalisation epsilon of the published network; ultralytics' models use the same.
EPSILON = 1e-3


class ContextGuidedBlock(nn.Module):
    """A block that adds each pixel's surroundings and weighs channels by the whole image.

    x (b, c1, h, w) -> (b, c2, h, w). With r = PReLU(BN(conv1x1(x))) of c2/2 channels:
    joint = PReLU(BN([depthwise3x3(r), dilated depthwise3x3(r)])), y = joint * gate(joint), where
    gate is the sigmoid of a two-layer perceptron on the mean of each channel (section III-A).
    With `add` the input is added, for which c1 must equal c2.
    """

    def __init__(
        self,
        c1: int,
        c2: int,
        dilation: int = 2,
        reduction: int = 16,
        add: bool = True,  # noqa: FBT001, FBT002  (the published order)
    ) -> None:
        super().__init__()
        if add and c1 != c2:
            msg = (
                f'The input of {c1} channels cannot be added to an output of {c2}: '
                'make them equal, or pass add=False.'
            )
            raise BlocksError(msg)
        self.add = add
        self.reduce = _conv(c1, c2 - c2 // 2, kernel=1)
        self.surround = SurroundingContext(self.reduce.conv.out_channels, c2, dilation=dilation)
        self.gate = GlobalGate(c2, reduction=reduction)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output, (b, c2, h, w)."""
        y = self.gate(self.surround(self.reduce(x)))
        return x + y if self.add else y


@register(stands_for='Conv')
class ContextGuidedDown(nn.Module):
    """A context-guided block that halves the resolution.

    x (b, c1, h, w) -> (b, c2, ceil(h/2), ceil(w/2)). As ContextGuidedBlock, but the first
    convolution is 3x3 with stride 2 to c2 channels, the joint feature has 2 c2, and a 1x1
    convolution brings it back to c2 before the gate.
    """

    def __init__(self, c1: int, c2: int, dilation: int = 2, reduction: int = 16) -> None:
        super().__init__()
        self.reduce = _conv(c1, c2, kernel=3, stride=2)
        self.surround = SurroundingContext(c2, 2 * c2, dilation=dilation)
        self.project = nn.Conv2d(2 * c2, c2, 1, bias=False)
        self.gate = GlobalGate(c2, reduction=reduction)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output, (b, c2, ceil(h/2), ceil(w/2))."""
        return self.gate(self.project(self.surround(self.reduce(x))))


class SurroundingContext(nn.Module):
    """The joint feature: a local and a dilated depthwise convolution side by side.

    x (b, c1, h, w) -> (b, c2, h, w), the local half from the first c2 - c2//2 channels, the
    surrounding half from the first c2//2. One normalisation over both halves is the same as one
    for each, and each of these folds into its convolution when the model is fused.
    """

    def __init__(self, c1: int, c2: int, *, dilation: int) -> None:
        super().__init__()
        self.split = (c2 - c2 // 2, c2 // 2)
        if max(self.split) > c1:
            msg = f'{c2} joint channels need {self.split[0]} to come from, not {c1}.'
            raise BlocksError(msg)
        local, around = self.split
        self.local = _conv(local, local, groups=local, activated=False)
        self.around = _conv(around, around, groups=around, dilation=dilation, activated=False)
        self.activation = nn.PReLU(c2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the joint feature, (b, c2, h, w)."""
        local, around = (self._first(x, channels) for channels in self.split)
        return self.activation(torch.cat((self.local(local), self.around(around)), 1))

    @staticmethod
    def _first(x: torch.Tensor, channels: int) -> torch.Tensor:
        return x if x.shape[1] == channels else x[:, :channels]


class GlobalGate(nn.Module):
    """A gate that weighs the channels by the global context.

    x (b, c, h, w) -> (b, c, h, w): x * sigmoid(W2 relu(W1 mean(x) + b1) + b2), with c/reduction
    hidden units, at least one.
    """

    def __init__(self, channels: int, *, reduction: int) -> None:
        super().__init__()
        hidden = max(channels // reduction, 1)
        self.squeeze = nn.Linear(channels, hidden)
        self.excite = nn.Linear(hidden, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the gated feature, (b, c, h, w)."""
        weights = self.excite(torch.relu(self.squeeze(x.mean((2, 3)))))
        return x * torch.sigmoid(weights)[:, :, None, None]


@register(stands_for='C3k2')
class C3k2_ContextGuided(C3k2Stage):  # noqa: N801  (named like the stage it replaces)
    """Ultralytics' C3k2 stage with context-guided blocks instead of bottlenecks."""

    def __init__(
        self,
        c1: int,
        c2: int,
        n: int = 1,
        *,
        c3k: bool = False,
        e: float = 0.5,
        dilation: int = 2,
        reduction: int = 16,
    ) -> None:
        def inner(c: int) -> nn.Module:
            # At least four hidden units in the gate: one alone can only scale all channels alike.
            return ContextGuidedBlock(c, c, dilation, min(reduction, max(c // 4, 1)))

        super().__init__(c1, c2, n, c3k=c3k, e=e, inner=inner)


def _conv(
    c1: int,
    c2: int,
    *,
    kernel: int = 3,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    activated: bool = True,
) -> Conv:
    """Return convolution, normalisation and PReLU as one unit that ultralytics can fuse."""
    activation = nn.PReLU(c2) if activated else False
    conv = Conv(c1, c2, kernel, stride, g=groups, d=dilation, act=activation)
    conv.bn.eps = EPSILON
    return conv
