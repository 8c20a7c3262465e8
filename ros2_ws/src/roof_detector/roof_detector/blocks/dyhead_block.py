# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One block of the dynamic head: attention over scales, positions and channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from roof_detector.blocks.deformable_convolution import modulated_deform_conv2d
from roof_detector.blocks.dynamic_relu import DyReLU, hard_sigmoid
from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.group_normalization import GroupNorm

if TYPE_CHECKING:
    from collections.abc import Sequence

TAPS = 9
NORM_GROUPS = 16


class DeformableBranch(nn.Module):
    """A 3 x 3 convolution of one level with given offsets and mask, and a normalisation."""

    def __init__(self, channels: int, stride: int, norm: str) -> None:
        super().__init__()
        self.stride = stride
        bound = (channels * TAPS) ** -0.5
        self.weight = nn.Parameter(torch.empty(channels, channels, 3, 3).uniform_(-bound, bound))
        self.norm: nn.Module = (
            GroupNorm(NORM_GROUPS, channels) if norm == 'GN' else nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
        """Convolve x (b, c, h, w) with offset and mask (b, 18 | 9, h', w') -> (b, c, h', w')."""
        y = modulated_deform_conv2d(x, offset, mask, self.weight, stride=self.stride)
        normalised: Tensor = self.norm(y)
        return normalised


class DyHeadBlock(nn.Module):
    """A block in which every level of a pyramid attends to itself and its neighbours.

    Dai et al., arXiv:2106.08322: W(F) = pi_C(pi_S(pi_L(F) F) F) F, in the order of the published
    code, S, L, C. [(b, c, h_l, w_l)] from fine to coarse, each level half the one before, rounded
    up -> the same shapes. At level l, with offset and mask from conv3x3(x_l):
    f_k = GN(DCNv2(x_k)) for k = l, l - 1 (with stride 2) and l + 1 (upsampled);
    y_l = DyReLU(mean over k of hard_sigmoid(ReLU(conv1x1(mean f_k))) f_k).

    The published code hands the offsets of level l to the map of level l + 1, a quarter of their
    size, and reads past their end. `coarse` chooses the remedy. 'resize', the default, brings the
    offsets, scaled, and the mask to level l + 1, convolves there and upsamples the result. Where
    the published block is well defined, at offsets of zero, this is the published block; its taps
    still step by pixels of level l + 1; and it takes 0.6 of the time. 'upsample' brings x_(l+1) to
    level l first, closer to the paper's text, which resizes all levels to one scale; but there
    neighbouring taps read nearly the same value of a smooth map.

    The offset convolution starts at zero, so that training starts from plain convolutions.
    """

    def __init__(
        self,
        channels: int,
        norm: Literal['GN', 'BN'] = 'GN',
        *,
        coarse: Literal['resize', 'upsample'] = 'resize',
    ) -> None:
        super().__init__()
        if norm not in ('GN', 'BN'):
            msg = f"DyHeadBlock has no norm '{norm}': choose GN or BN."
            raise BlocksError(msg)
        if coarse not in ('resize', 'upsample'):
            msg = (
                f"DyHeadBlock has no way '{coarse}' to the coarser level: "
                'choose resize or upsample.'
            )
            raise BlocksError(msg)
        self.coarse = coarse
        self.offset_and_mask = nn.Conv2d(channels, 3 * TAPS, 3, padding=1)
        nn.init.zeros_(self.offset_and_mask.weight)
        nn.init.zeros_(self.offset_and_mask.bias)  # type: ignore[arg-type]  # it has one
        self.same = DeformableBranch(channels, 1, norm)
        self.finer = DeformableBranch(channels, 2, norm)
        self.coarser = DeformableBranch(channels, 1, norm)
        self.scale = nn.Conv2d(channels, 1, 1)
        nn.init.normal_(self.scale.weight, std=0.01)
        nn.init.zeros_(self.scale.bias)  # type: ignore[arg-type]  # it has one
        self.activation = DyReLU(channels)

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """Return the levels, each attended."""
        return [self._attend(levels, index) for index in range(len(levels))]

    def _attend(self, levels: Sequence[Tensor], index: int) -> Tensor:
        x = levels[index]
        offset, mask = self.offset_and_mask(x).split((2 * TAPS, TAPS), dim=1)
        mask = mask.sigmoid()
        branches = [self.same(x, offset, mask)]
        if index > 0:
            branches.append(self.finer(levels[index - 1], offset, mask))
        if index + 1 < len(levels):
            branches.append(self._from_coarser(levels[index + 1], offset, mask))
        weighed = [
            f * hard_sigmoid(F.relu(self.scale(f.mean((2, 3), keepdim=True)))) for f in branches
        ]
        activated: Tensor = self.activation(sum(weighed[1:], weighed[0]) / len(weighed))
        return activated

    def _from_coarser(self, x: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
        size = offset.shape[2:]
        if self.coarse == 'upsample':
            return self.coarser(_resize(x, size), offset, mask)
        small = x.shape[2:]
        offset = _shrink(offset, small)
        # Row and column offsets alternate; each shrinks with its own axis.
        rows = offset[:, 0::2] * (small[0] / size[0])
        columns = offset[:, 1::2] * (small[1] / size[1])
        offset = torch.stack((rows, columns), 2).reshape(x.shape[0], 2 * TAPS, *small)
        return _resize(self.coarser(x, offset, _shrink(mask, small)), size)


def _resize(x: Tensor, size: Sequence[int]) -> Tensor:
    return F.interpolate(x, size=tuple(size), mode='bilinear', align_corners=True)


def _shrink(x: Tensor, size: Sequence[int]) -> Tensor:
    return F.interpolate(x, size=tuple(size), mode='bilinear', align_corners=False)
