# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Upsampling by learned sampling points (Liu et al., DySample, arXiv:2308.15085)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.pixel_sampling import coordinate_dtype, sample_bilinear
from roof_detector.blocks.registry import register

_SCALE = 2
_STATIC_SCOPE = 0.25  # section 3.2: neighbouring points then hardly overlap


@register(stands_for='Conv')
class DySample(nn.Module):
    """A map of twice the size, each value sampled bilinearly near its own place.

    x (b, c, h, w) -> (b, c, 2 h, 2 w). A 1x1 convolution gives each output place of each group an
    offset in pixels of the input, 0.25 times its answer (equations 3 and 4, in the order linear,
    then pixel shuffle). Offsets of zero are bilinear interpolation.
    """

    def __init__(self, c1: int, c2: int, *, groups: int = 4) -> None:
        super().__init__()
        if c1 != c2:
            msg = f'DySample keeps its channels, but {c1} come in and {c2} are asked for.'
            raise BlocksError(msg)
        if c1 % groups:
            msg = f'DySample has {groups} groups, which do not divide {c1} channels; give groups.'
            raise BlocksError(msg)
        self.groups = groups
        self.offset = nn.Conv2d(c1, 2 * groups * _SCALE**2, 1)
        nn.init.normal_(self.offset.weight, std=0.001)
        assert self.offset.bias is not None
        nn.init.zeros_(self.offset.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the larger map, (b, c, 2 h, 2 w)."""
        batch, channels, height, width = x.shape
        precise = coordinate_dtype(x.dtype)
        offsets = F.pixel_shuffle(self.offset(x) * _STATIC_SCOPE, _SCALE).to(precise)
        offsets = offsets.reshape(batch * self.groups, 2, _SCALE * height, _SCALE * width)
        rows = (torch.arange(_SCALE * height, device=x.device, dtype=precise) + 0.5) / _SCALE - 0.5
        columns = (
            torch.arange(_SCALE * width, device=x.device, dtype=precise) + 0.5
        ) / _SCALE - 0.5
        sampled = sample_bilinear(
            x.reshape(batch * self.groups, channels // self.groups, height, width),
            rows[None, :, None] + offsets[:, 0],
            columns[None, None] + offsets[:, 1],
            outside='border',
        )
        return sampled.reshape(batch, channels, _SCALE * height, _SCALE * width)
