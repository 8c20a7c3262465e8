# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The cross scan: an image as four sequences, and their sum back (VMamba, arXiv:2401.10166)."""

from __future__ import annotations

import torch
from torch import Tensor

DIRECTIONS = 4


def cross_scan(image: Tensor) -> Tensor:
    """Return the image (b, c, h, w) in four orders: (b, 4, c, h w).

    They are: along the rows from the top left, along the columns from the top left, and both from
    the end (the paper's figure 3).
    """
    forward = torch.stack((image.flatten(2), image.transpose(2, 3).flatten(2)), dim=1)
    return torch.cat((forward, forward.flip(-1)), dim=1)


def cross_merge(sequences: Tensor, *, height: int, width: int) -> Tensor:
    """Return the sum of the four sequences (b, 4, c, h w) as an image (b, c, h, w)."""
    batch, _, channels, _ = sequences.shape
    forward = sequences[:, :2] + sequences[:, 2:].flip(-1)
    rows = forward[:, 0].reshape(batch, channels, height, width)
    columns = forward[:, 1].reshape(batch, channels, width, height)
    return rows + columns.transpose(2, 3)
