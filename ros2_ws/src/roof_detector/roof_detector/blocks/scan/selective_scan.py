# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The selective scan of Mamba (Gu and Dao, arXiv:2312.00752): one function, four methods."""

# ruff: noqa: FBT001, FBT002, PLR0917  (the order of the arguments is the published one)

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

import torch
from torch import Tensor
from torch.nn import functional as F

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.scan.arguments import (
    ScanArguments,
    accumulation_dtype,
    arrange,
    check,
)
from roof_detector.blocks.scan.chunked import scan_chunked
from roof_detector.blocks.scan.log_step import is_traced, scan_log_step
from roof_detector.blocks.scan.sequential import scan_sequential
from roof_detector.blocks.scan.triton_scan import scan_triton, why_not_triton

if TYPE_CHECKING:
    from collections.abc import Callable

# Without gradients a scan by doublings measured faster than one in chunks, by up to ten times,
# where a step is narrow (batch * channels * states) and the whole small (times the length): the
# number of operators counts there, not the work. Beyond either it was up to seven times slower.
NARROW = 2**9
SMALL = 2**18

ScanMethod = Literal['sequential', 'log_step', 'chunked', 'triton']
METHODS: dict[ScanMethod, Callable[[ScanArguments], tuple[Tensor, Tensor]]] = {
    'sequential': scan_sequential,
    'log_step': scan_log_step,
    'chunked': scan_chunked,
    'triton': scan_triton,
}


@overload
def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    return_last_state: Literal[False] = False,
    *,
    method: Literal['auto', ScanMethod] = 'auto',
) -> Tensor: ...


@overload
def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    *,
    return_last_state: Literal[True],
    method: Literal['auto', ScanMethod] = 'auto',
) -> tuple[Tensor, Tensor]: ...


def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = None,
    z: Tensor | None = None,
    delta_bias: Tensor | None = None,
    delta_softplus: bool = False,
    return_last_state: bool = False,
    *,
    method: Literal['auto', ScanMethod] = 'auto',
) -> Tensor | tuple[Tensor, Tensor]:
    """Run the input u through a linear system whose step size, input and output map vary.

    For each channel, with dt = softplus(delta + delta_bias) or, without delta_softplus,
    delta + delta_bias (arXiv:2312.00752, equations 2 and 4, Euler form of B):

        h_t = exp(dt_t A) h_(t-1) + dt_t B_t u_t,   h_(-1) = 0
        y_t = (C_t h_t + D u_t) * silu(z_t)

    - `u`, `delta`, `z`: (b, d, l); `D`, `delta_bias`: (d,); `A`: (d, n), real or complex;
    - `B`, `C`: (d, n) for constants, (b, n, l), or (b, g, n, l) where channel c uses group
      c // (d / g). For a complex A a constant is complex, and one that varies holds 2 l reals,
      real and imaginary parts alternating; C_t h_t is then 2 Re(C_t h_t).

    Returns y (b, d, l) in u's type and, with return_last_state, also h after the last step,
    (b, d, n). It computes in float32, in float64 for a u in float64; the last state has that
    precision. Every tensor receives its gradient, from y and from the last state.

    Methods, equal up to rounding: `sequential` (the definition, one step after another),
    `log_step` (doublings in functional operators, for export), `chunked` (bounded memory, once
    differentiable), `triton` (CUDA kernels, real A). `auto` takes log_step while a graph is
    traced, exported or compiled, triton on CUDA where it can, log_step for a small and narrow scan
    without gradients, and chunked otherwise.

    Raises BlocksError for a wrong shape, type, device or method.
    """
    if not is_traced():
        check(u=u, delta=delta, A=A, B=B, C=C, D=D, z=z, delta_bias=delta_bias)
    dtype = accumulation_dtype(u)
    inputs = u.to(dtype)
    dt = delta.to(dtype)
    if delta_bias is not None:
        dt = dt + delta_bias.to(dtype).unsqueeze(-1)
    if delta_softplus:
        dt = F.softplus(dt)
    arguments = arrange(inputs, dt, A, B, C)
    if method == 'auto':
        method = choose_method(arguments)
    if method not in METHODS:
        msg = f"There is no scan method '{method}'; choose 'auto' or one of {', '.join(METHODS)}."
        raise BlocksError(msg)
    y, last = METHODS[method](arguments)
    y = y.flatten(1, 2)
    if D is not None:
        y = y + inputs * D.to(dtype).unsqueeze(-1)
    if z is not None:
        y = y * F.silu(z.to(dtype))
    y = y.to(u.dtype)
    return (y, last.flatten(1, 2)) if return_last_state else y


def choose_method(arguments: ScanArguments) -> ScanMethod:
    """Return the method that `auto` stands for.

    The kernels add up two gradients atomically; where deterministic algorithms are demanded,
    CUDA tensors are scanned without them.
    """
    if is_traced() or torch.onnx.is_in_onnx_export() or torch.compiler.is_compiling():
        return 'log_step'
    if why_not_triton(arguments) is None and not torch.are_deterministic_algorithms_enabled():
        return 'triton'
    width = arguments.u.shape[0] * arguments.A.numel()
    small = width <= NARROW and width * arguments.u.shape[-1] <= SMALL
    if small and not torch.is_grad_enabled() and _decays(arguments):
        return 'log_step'
    return 'chunked'


def _decays(arguments: ScanArguments) -> bool:
    """Return whether no state can grow, so that no product of decays can overflow."""
    if not arguments.u.numel():
        return True
    rates = arguments.A.real if arguments.A.is_complex() else arguments.A
    return bool(rates.max() <= 0) and bool(arguments.dt.min() >= 0)
