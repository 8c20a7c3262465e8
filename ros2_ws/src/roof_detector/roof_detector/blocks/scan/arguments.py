# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The arguments of a selective scan, checked and in one form for every method."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from roof_detector.blocks.errors import BlocksError


@dataclass(frozen=True)
class ScanArguments:
    """The arguments of one selective scan in the form that every method takes.

    Channels d are split as groups g times channels of a group p, so that B and C broadcast:

    - `u`, `dt`: (b, g, p, l), the input and the step size after bias and softplus;
    - `A`: (g, p, n), real or complex;
    - `B`, `C`: (b or 1, g, p or 1, n, l or 1), of A's kind.

    All are of the accumulation type: float64 where u is float64, else float32 (complex128 and
    complex64 for a complex A).
    """

    u: Tensor
    dt: Tensor
    A: Tensor
    B: Tensor
    C: Tensor

    @property
    def tensors(self) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return u, dt, A, B, C, in this order."""
        return self.u, self.dt, self.A, self.B, self.C


def accumulation_dtype(u: Tensor) -> torch.dtype:
    """Return the type in which a scan over u is computed."""
    return torch.float64 if u.dtype == torch.float64 else torch.float32


def arrange(u: Tensor, dt: Tensor, A: Tensor, B: Tensor, C: Tensor) -> ScanArguments:
    """Bring the published forms of B and C to one grouped form, without copying where it can.

    `u` and `dt` are (b, d, l) of the accumulation type; A, B and C are as for selective_scan.
    """
    real = u.dtype
    kind = real.to_complex() if A.is_complex() else real
    groups = math.lcm(_groups_of(B), _groups_of(C))
    split = (groups, int(u.shape[1]) // groups)
    return ScanArguments(
        u=u.unflatten(1, split),
        dt=dt.unflatten(1, split),
        A=A.to(kind).unflatten(0, split),
        B=_arrange_projection(B, split, kind),
        C=_arrange_projection(C, split, kind),
    )


def _groups_of(projection: Tensor) -> int:
    """Return the number of groups of B or C; a constant one fits any number."""
    return int(projection.shape[1]) if projection.ndim == 4 else 1


def _arrange_projection(projection: Tensor, split: tuple[int, int], kind: torch.dtype) -> Tensor:
    """Return B or C as (b or 1, g, p or 1, n, l or 1), of the given kind."""
    if projection.ndim == 2:
        return projection.to(kind).unflatten(0, split)[None, ..., None]
    if projection.ndim == 3:
        projection = projection.unsqueeze(1)
    if kind.is_complex:
        pairs = projection.to(kind.to_real()).unflatten(-1, (-1, 2))
        projection = torch.view_as_complex(pairs.contiguous())
    repeats = split[0] // int(projection.shape[1])
    if repeats > 1:
        projection = projection.repeat_interleave(repeats, dim=1)
    return projection.to(kind).unsqueeze(2)


def check(
    *,
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    delta_bias: Tensor | None,
) -> None:
    """Raise a BlocksError that names the first argument of a wrong shape, type or device."""
    if u.ndim != 3 or not u.is_floating_point():
        msg = (
            f'u is {_describe(u)}; it must be real floating point of shape (batch, channels, '
            'length).'
        )
        raise BlocksError(msg)
    batch, channels, length = u.shape
    right_kind = A.is_floating_point() or A.is_complex()
    if A.ndim != 2 or A.shape[0] != channels or A.shape[1] == 0 or not right_kind:
        msg = (
            f'A is {_describe(A)}; it must be floating point or complex of shape '
            f'({channels}, states), one row for each channel of u and at least one state.'
        )
        raise BlocksError(msg)
    expected = {
        'delta': (delta, (batch, channels, length)),
        'D': (D, (channels,)),
        'z': (z, (batch, channels, length)),
        'delta_bias': (delta_bias, (channels,)),
    }
    for name, (tensor, shape) in expected.items():
        if tensor is not None and (tuple(tensor.shape) != shape or not tensor.is_floating_point()):
            msg = (
                f'{name} is {_describe(tensor)}; with u of shape {tuple(u.shape)} it must be '
                f'real floating point of shape {shape}.'
            )
            raise BlocksError(msg)
    for name, tensor in (('B', B), ('C', C)):
        _check_projection(name, tensor, u=u, A=A)
    for name, tensor in (
        ('delta', delta),
        ('A', A),
        ('B', B),
        ('C', C),
        ('D', D),
        ('z', z),
        ('delta_bias', delta_bias),
    ):
        if tensor is not None and tensor.device != u.device:
            msg = f'{name} is on {tensor.device} and u on {u.device}; move them to one device.'
            raise BlocksError(msg)


def _check_projection(name: str, tensor: Tensor, *, u: Tensor, A: Tensor) -> None:
    """Raise a BlocksError if B or C has none of the three published forms."""
    batch, channels, length = u.shape
    states = A.shape[1]
    if tensor.ndim == 2:
        right_kind = tensor.is_complex() == A.is_complex()
        if tuple(tensor.shape) == (channels, states) and right_kind:
            return
    elif tensor.ndim in (3, 4):
        reals = 2 * length if A.is_complex() else length
        groups = tensor.shape[1] if tensor.ndim == 4 else 1
        fits = (tensor.shape[0], *tensor.shape[-2:]) == (batch, states, reals)
        if fits and tensor.is_floating_point() and groups and channels % groups == 0:
            return
    reals_text = f'2 * {length}' if A.is_complex() else f'{length}'
    kind = 'complex' if A.is_complex() else 'real'
    msg = (
        f'{name} is {_describe(tensor)}; it must be constant ({channels}, {states}) and {kind} '
        f'as A, or vary with time as ({batch}, {states}, {reals_text}) or '
        f'({batch}, groups, {states}, {reals_text}) in real floating point, with groups a '
        f'divisor of {channels}.'
    )
    raise BlocksError(msg)


def _describe(tensor: Tensor) -> str:
    """Return type and shape for an error message."""
    return f'{str(tensor.dtype).removeprefix("torch.")} of shape {tuple(tensor.shape)}'
