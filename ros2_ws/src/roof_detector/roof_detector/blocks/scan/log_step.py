# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The selective scan by doublings, in functional operators, for export and tracing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from roof_detector.blocks.scan.arguments import ScanArguments


def scan_log_step(arguments: ScanArguments) -> tuple[Tensor, Tensor]:
    """Scan in ceil(log2 l) doublings (Hillis and Steele, 1986) without loops in the graph.

    Decay and state of two successive spans compose: (a1, h1), (a2, h2) -> (a1 a2, a2 h1 + h2). The
    doubling s composes the span that ends at t with the one that ends at t - s. Nothing is
    divided, so a decay that underflows to 0 stays right, where the quotient of cumulative
    products gives NaN.

    Returns y (b, g, p, l), real, and the last state (b, g, p, n). Time and the memory for the
    gradient are O(n l log l). A product of growing decays is held at the largest finite number; a
    system that grows beyond it is for scan_sequential or scan_chunked.

    A traced graph holds the doublings of the traced length. It is right for any batch and for
    sequences up to `reach`; a longer one is cut, so that adding D u, or a reshape, fails loudly.
    """
    u, dt, A, B, C = arguments.tensors
    decay = torch.exp(dt.unsqueeze(-2) * A.unsqueeze(-1))
    state = (dt * u).unsqueeze(-2) * B
    span, length = 1, int(u.shape[-1])
    if is_traced():
        # A graph cut at one step would broadcast where a longer one fails.
        length = max(length, 2)
    while span < length:
        state = _from(span, state, state[..., span:] + decay[..., span:] * state[..., :-span])
        if 2 * span < length:
            decay = _from(span, decay, _bounded(decay[..., span:] * decay[..., :-span]))
        span *= 2
    y = (state * C).sum(-2)
    if is_traced():
        y = y[..., : reach(length)]
    last = state[..., -1] if length else A.new_zeros(u.shape[0], *A.shape)
    return (2 * y.real if y.is_complex() else y), last


def is_traced() -> bool:
    """Return whether the TorchScript or ONNX exporter is recording the operators."""
    return torch.jit.is_tracing()  # type: ignore[attr-defined]


def reach(length: int) -> int:
    """Return the longest sequence for which the doublings of this length suffice."""
    return int(1 << max(length - 1, 0).bit_length())


def _from(start: int, old: Tensor, new: Tensor) -> Tensor:
    """Return the old sequence with everything from start on replaced."""
    return torch.cat((old[..., :start], new), dim=-1)


def _bounded(decay: Tensor) -> Tensor:
    """Keep a product of decays finite: infinity times the zero state of a pause would be NaN."""
    if decay.is_complex():
        return decay
    return decay.clamp(max=torch.finfo(decay.dtype).max)
