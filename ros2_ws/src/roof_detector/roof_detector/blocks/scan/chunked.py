# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The selective scan in chunks with bounded memory: the gradient recomputes the states."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from roof_detector.blocks.scan.arguments import ScanArguments

# Steps whose states exist at one time. More steps mean fewer kept states (n / CHUNK for each
# step), fewer steps fit a CPU's second-level cache; 32 to 128 measured alike.
CHUNK = 64


def scan_chunked(arguments: ScanArguments) -> tuple[Tensor, Tensor]:
    """Scan like scan_sequential, but never hold the states of more than CHUNK steps.

    Kept for the gradient are the inputs and the state at each chunk's start; the backward pass
    recomputes a chunk's states from there. So memory grows with the length by a few tensors of the
    size of u, B and C and by n / CHUNK of u's size, not by n of it. Once differentiable.

    Returns y (b, g, p, l), real, and the last state (b, g, p, n).
    """
    if torch.is_grad_enabled():
        y, last = _ChunkedScan.apply(*arguments.tensors)
        return y, last
    y, last, _ = _forward(arguments, keep=False)
    return y, last


class _ChunkedScan(torch.autograd.Function):
    """The autograd function of the forward pass and its recomputing backward pass."""

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        y, last, starts = _forward(ScanArguments(*tensors), keep=True)
        ctx.save_for_backward(*tensors, *starts)
        return y, last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
        tensors, starts = ctx.saved_tensors[:5], ctx.saved_tensors[5:]
        return _backward(ScanArguments(*tensors), starts, grad_y=grads[0], grad_last=grads[1])


def _forward(arguments: ScanArguments, *, keep: bool) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Return y, the last state and, if they are to be kept, the state before each chunk."""
    u, _, A, _, C = arguments.tensors
    y = torch.empty_like(u)
    state = A.new_zeros(u.shape[0], *A.shape)
    starts = []
    for at in _chunks(u.shape[-1]):
        if keep:
            starts.append(state)
        _, states = _states(arguments, at, state)
        state = states[-1].clone()
        output = states.mul_(_time_first(C, at)).sum(-1)
        y[..., at] = (2 * output.real if output.is_complex() else output).permute(1, 2, 3, 0)
    return y, state, starts


def _backward(
    arguments: ScanArguments, starts: tuple[Tensor, ...], *, grad_y: Tensor, grad_last: Tensor
) -> tuple[Tensor, ...]:
    """Return the gradients of u, dt, A, B and C.

    With lam_t = dL/dh_t = conj(C_t) dL/dy_t + conj(a_(t+1)) lam_(t+1), a_t = exp(dt_t A):
    dL/d(dt_t A) = e_t = lam_t conj(a_t h_(t-1)); from it, and from the drive dt_t B_t u_t, follow
    all five by the product rule.
    """
    grad_u, grad_dt, grad_A, grad_B, grad_C = map(torch.zeros_like, arguments.tensors)
    scale = 2 if arguments.A.is_complex() else 1
    carry = grad_last
    for at, start in zip(reversed(_chunks(grad_y.shape[-1])), reversed(starts), strict=True):
        u, dt = (_time_first(x, at).unsqueeze(-1) for x in (arguments.u, arguments.dt))
        B, C = (_time_first(x, at) for x in (arguments.B, arguments.C))
        decay, states = _states(arguments, at, start)
        grad_output = scale * _time_first(grad_y, at).unsqueeze(-1)
        lam = grad_output * C.conj()
        lam[-1] += carry
        for step in range(len(lam) - 1, 0, -1):
            lam[step - 1].addcmul_(decay[step].conj(), lam[step])
        carry = decay[0].conj() * lam[0]

        _accumulate(grad_C, at, grad_output * states.conj())
        decayed = torch.cat((start.unsqueeze(0), states[:-1])).mul_(decay)
        exponent = decayed.conj_physical_().mul_(lam)
        grad_A += (exponent * dt).sum((0, 1))
        drive = (lam * B.conj()).sum(-1, keepdim=True)
        along = (exponent * arguments.A.conj()).sum(-1, keepdim=True) + drive * u
        _accumulate(grad_B, at, lam.mul_(dt * u))
        grad_u[..., at] = _time_last((drive * dt).squeeze(-1), like=grad_u)
        grad_dt[..., at] = _time_last(along.squeeze(-1), like=grad_dt)
    return grad_u, grad_dt, grad_A, grad_B, grad_C


def _chunks(length: int) -> list[slice]:
    """Return the slices of time, in order."""
    return [slice(at, min(at + CHUNK, length)) for at in range(0, length, CHUNK)]


def _states(arguments: ScanArguments, at: slice, start: Tensor) -> tuple[Tensor, Tensor]:
    """Return decays and states (t, b, g, p, n) of one chunk that begins in the state start."""
    u, dt = (_time_first(x, at).unsqueeze(-1) for x in (arguments.u, arguments.dt))
    decay = torch.exp_(dt * arguments.A)
    states = (dt * u) * _time_first(arguments.B, at)
    before = start
    for step in range(len(states)):
        before = states[step].addcmul_(decay[step], before)
    return decay, states


def _time_first(tensor: Tensor, at: slice) -> Tensor:
    """Return a chunk with time outermost in memory; a constant keeps a time of 1."""
    return _chunk(tensor, at).movedim(-1, 0).contiguous()


def _time_last(tensor: Tensor, *, like: Tensor) -> Tensor:
    """Return a chunk in the layout of the arguments, real where these are real."""
    if tensor.is_complex() and not like.is_complex():
        tensor = tensor.real
    return tensor.movedim(0, -1)


def _accumulate(grad: Tensor, at: slice, chunk: Tensor) -> None:
    """Add the gradient (t, b, g, p, n) of a chunk, summed where B or C is constant or shared."""
    target = _chunk(grad, at).movedim(-1, 0)
    target += chunk.sum_to_size(target.shape)


def _chunk(tensor: Tensor, at: slice) -> Tensor:
    """Return a view of a chunk; B and C (five dimensions) may be constant in time."""
    constant = tensor.ndim == 5 and tensor.shape[-1] == 1
    return tensor if constant else tensor[..., at]
