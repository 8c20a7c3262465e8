# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The selective scan on CUDA by the kernels of triton_kernel.py."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.scan.sequential import scan_sequential

if TYPE_CHECKING:
    from roof_detector.blocks.scan.arguments import ScanArguments

# Elements of the (states, time) tile of one program: 16 for each of 128 threads.
TILE_ELEMENTS = 2048
SHORTEST_TILE, LONGEST_TILE = 16, 1024


def why_not_triton(arguments: ScanArguments) -> str | None:
    """Return why the kernels cannot scan these arguments, None if they can."""
    if arguments.A.is_complex():
        return 'A is complex, and the kernels compute in real numbers'
    if not arguments.u.is_cuda and os.environ.get('TRITON_INTERPRET') != '1':
        return f'the tensors are on {arguments.u.device}, not on a CUDA device'
    try:
        import triton  # noqa: F401, PLC0415
    except ImportError as error:
        return f'Triton cannot be imported ({error})'
    return None


def scan_triton(arguments: ScanArguments) -> tuple[Tensor, Tensor]:
    """Scan with one CUDA program for each channel of each sample.

    Returns y (b, g, p, l) and the last state (b, g, p, n). Kept for the gradient are the inputs
    and one state for each tile of time. The gradients of B and C that vary with time are added up
    atomically over a group's channels, so their last digits differ from run to run. Raises
    BlocksError where `why_not_triton` gives a reason.
    """
    reason = why_not_triton(arguments)
    if reason is not None:
        msg = (
            f"The selective scan cannot use method='triton': {reason}. Use method='chunked', or "
            "'auto', which chooses it then."
        )
        raise BlocksError(msg)
    if not arguments.u.numel():
        return scan_sequential(arguments)
    y, last = _TritonScan.apply(*arguments.tensors)
    return y, last


class _TritonScan(torch.autograd.Function):
    """The autograd function that launches the kernels."""

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        from roof_detector.blocks.scan.triton_kernel import scan_forward  # noqa: PLC0415

        u, dt, A = (x.contiguous() for x in tensors[:3])
        B, C = tensors[3:]
        launch = _Launch(u, A)
        y = torch.empty_like(u)
        last = u.new_zeros(*u.shape[:3], A.shape[-1])
        starts = u.new_empty(*u.shape[:3], launch.chunks, A.shape[-1])
        with launch.on_device():
            scan_forward[(launch.programs,)](
                u,
                dt,
                A,
                B,
                C,
                y,
                last,
                starts,
                *launch.sizes,
                *_strides(B),
                *_strides(C),
                STATES=launch.states,
                TILE=launch.tile,
            )
        ctx.save_for_backward(u, dt, A, B, C, starts)
        return y, last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
        from roof_detector.blocks.scan.triton_kernel import scan_backward  # noqa: PLC0415

        u, dt, A, B, C, starts = ctx.saved_tensors
        launch = _Launch(u, A)
        grad_u, grad_dt = torch.empty_like(u), torch.empty_like(dt)
        grad_A = u.new_zeros(*u.shape[:3], A.shape[-1])
        grad_B, grad_C = (_room_for_gradient(x, like=u) for x in (B, C))
        with launch.on_device():
            scan_backward[(launch.programs,)](
                u,
                dt,
                A,
                B,
                C,
                starts,
                grads[0].contiguous(),
                grads[1].contiguous(),
                grad_u,
                grad_dt,
                grad_A,
                grad_B,
                grad_C,
                *launch.sizes,
                *_strides(B),
                *_strides(C),
                STATES=launch.states,
                TILE=launch.tile,
                B_VARIES=_varies(B),
                C_VARIES=_varies(C),
            )
        return (
            grad_u,
            grad_dt,
            grad_A.sum(0),
            grad_B.sum_to_size(B.shape),
            grad_C.sum_to_size(C.shape),
        )


class _Launch:
    """The sizes with which the kernels are launched."""

    def __init__(self, u: Tensor, A: Tensor) -> None:
        batch, groups, per_group, length = u.shape
        self.device = u.device
        self.programs = batch * groups * per_group
        self.states = 1 << (A.shape[-1] - 1).bit_length()
        longest = min(max(TILE_ELEMENTS // self.states, SHORTEST_TILE), LONGEST_TILE)
        self.tile = min(longest, max(1 << (length - 1).bit_length(), SHORTEST_TILE))
        self.chunks = -(-length // self.tile)
        self.sizes = (length, A.shape[-1], self.chunks, groups, per_group)

    def on_device(self) -> contextlib.AbstractContextManager[Any]:
        """Make the tensors' device the current one, where Triton launches."""
        if self.device.type == 'cuda':
            return torch.cuda.device(self.device)
        return contextlib.nullcontext()


def _varies(projection: Tensor) -> bool:
    """Return whether B or C varies with time; then a group's channels share it."""
    return projection.shape[-1] > 1


def _strides(projection: Tensor) -> tuple[int, ...]:
    """Return the strides of (b, g, p, n, l), 0 where a dimension of 1 is repeated."""
    pairs = zip(projection.stride(), projection.shape, strict=True)
    return tuple(0 if size == 1 else stride for stride, size in pairs)


def _room_for_gradient(projection: Tensor, *, like: Tensor) -> Tensor:
    """Return zeros for the kernel to add to, or to fill for a constant."""
    batch, groups, per_group, length = like.shape
    states = projection.shape[3]
    if _varies(projection):
        return like.new_zeros(batch, groups, 1, states, length)
    return like.new_zeros(batch, groups, per_group, states, 1)
