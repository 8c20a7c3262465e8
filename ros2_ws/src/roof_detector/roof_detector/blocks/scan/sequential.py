# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The selective scan one step after another, the reference method."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from roof_detector.blocks.scan.arguments import ScanArguments


def scan_sequential(arguments: ScanArguments) -> tuple[Tensor, Tensor]:
    """Scan one time step after another: the definition, and the reference of all other methods.

    Mamba, arXiv:2312.00752, equations 2a, 2b and 4 with the Euler form of B:
    h_t = exp(dt_t A) h_(t-1) + dt_t B_t u_t and y_t = C_t h_t; 2 Re(C_t h_t) for a complex A.

    Returns y (b, g, p, l), real, and the last state (b, g, p, n). Time O(l), memory for the
    gradient O(l n).
    """
    u, dt, A, B, C = arguments.tensors
    length = u.shape[-1]
    # unbind, not indexing: its gradient is one stack, that of an index is a full-size zero map.
    inputs = u.unbind(-1)
    steps = dt.unbind(-1)
    B_steps = _over_time(B, length)
    C_steps = _over_time(C, length)
    state = A.new_zeros(u.shape[0], *A.shape)
    outputs = []
    for u_t, dt_t, B_t, C_t in zip(inputs, steps, B_steps, C_steps, strict=True):
        state = torch.exp(dt_t.unsqueeze(-1) * A) * state + (dt_t * u_t).unsqueeze(-1) * B_t
        outputs.append((state * C_t).sum(-1))
    y = torch.stack(outputs, dim=-1) if outputs else torch.zeros_like(u)
    return (2 * y.real if y.is_complex() else y), state


def _over_time(projection: Tensor, length: int) -> tuple[Tensor, ...]:
    """Return B or C (b or 1, g, p or 1, n) for each time step."""
    if projection.shape[-1] == length:
        return projection.unbind(-1)
    return (projection[..., 0],) * length
