# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Bilinear sampling of a feature map at fractional pixel positions."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor


def coordinate_dtype(dtype: torch.dtype) -> torch.dtype:
    """Return the type in which positions are kept for features of type `dtype`.

    Never narrower than float32: bfloat16 holds 8 significant bits, so a position past 256 pixels
    would be rounded to the next even pixel.
    """
    return torch.promote_types(dtype, torch.float32)


def sample_bilinear(
    features: Tensor, rows: Tensor, columns: Tensor, *, outside: Literal['zeros', 'border']
) -> Tensor:
    """Read `features` at the given pixel centres; rows run down and columns run right from 0.

    features (b, c, h, w); rows and columns (b, i, j), in pixels -> (b, c, i, j) in the type of
    `features`. `outside` says what lies beyond the map: zeros, faded in over the last pixel, or
    the nearest border pixel. The positions are normalised as (2 p + 1) / size - 1, which, unlike
    2 p / (size - 1) - 1, is defined for a map one pixel high or wide.
    """
    height, width = features.shape[-2:]
    precise = coordinate_dtype(features.dtype)
    grid = torch.stack(
        (
            (2 * columns.to(precise) + 1) / width - 1,
            (2 * rows.to(precise) + 1) / height - 1,
        ),
        dim=-1,
    )
    sampled = F.grid_sample(
        features.to(precise), grid, mode='bilinear', padding_mode=outside, align_corners=False
    )
    return sampled.to(features.dtype)
