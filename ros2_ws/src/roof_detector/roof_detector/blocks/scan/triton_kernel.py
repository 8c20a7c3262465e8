# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The two Triton kernels of the selective scan; triton_scan.py launches them."""

# ruff: noqa: ANN001, ANN201, PLR0915, PLR0917  (Triton compiles these: pointers, no objects)
# mypy: disable-error-code="no-untyped-def,untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

# A product of growing decays stays finite: infinity times a zero state would be NaN.
LARGEST = tl.constexpr(3.0e38)


@triton.jit
def compose(decay_first, state_first, decay_second, state_second):
    """Join two successive spans: (a1, h1), (a2, h2) -> (a1 a2, a2 h1 + h2)."""
    decay = tl.minimum(decay_first * decay_second, LARGEST)
    return decay, decay_second * state_first + state_second


@triton.jit
def load_projection(pointer, base, rows, columns, mask, stride_state, stride_time, acc):
    """Load B or C of one channel as (STATES, TILE); a constant has the time stride 0."""
    offsets = base + rows * stride_state + columns * stride_time
    return tl.load(pointer + offsets, mask=mask, other=0.0).to(acc)


@triton.jit
def scan_forward(
    u_pointer,
    dt_pointer,
    A_pointer,
    B_pointer,
    C_pointer,
    y_pointer,
    last_pointer,
    starts_pointer,
    length,
    states,
    chunks,
    groups,
    per_group,
    B_batch,
    B_group,
    B_channel,
    B_state,
    B_time,
    C_batch,
    C_group,
    C_channel,
    C_state,
    C_time,
    STATES: tl.constexpr,
    TILE: tl.constexpr,
):
    """Scan one channel of one sample, TILE steps at a time.

    u, dt, y are (b, g, p, l) and contiguous, A (g, p, n), last (b, g, p, n) and starts
    (b, g, p, chunks, n): the state before each tile. Behind the end dt is 0, hence the decay 1 and
    the drive 0, and the state stands still.
    """
    acc = y_pointer.dtype.element_ty
    scan = tl.program_id(0).to(tl.int64)
    channel = scan % (groups * per_group)
    batch = scan // (groups * per_group)
    group, member = channel // per_group, channel % per_group
    B_base = batch * B_batch + group * B_group + member * B_channel
    C_base = batch * C_batch + group * C_group + member * C_channel
    rows = tl.arange(0, STATES)[:, None]
    used = rows < states
    A = tl.load(A_pointer + channel * states + rows, mask=used, other=0.0).to(acc)
    state = tl.zeros((STATES, 1), acc)
    for chunk in range(chunks):
        columns = chunk * TILE + tl.arange(0, TILE)[None, :]
        inside = columns < length
        both = used & inside
        tl.store(starts_pointer + (scan * chunks + chunk) * states + rows, state, mask=used)
        u = tl.load(u_pointer + scan * length + columns, mask=inside, other=0.0).to(acc)
        dt = tl.load(dt_pointer + scan * length + columns, mask=inside, other=0.0).to(acc)
        B = load_projection(B_pointer, B_base, rows, columns, both, B_state, B_time, acc)
        C = load_projection(C_pointer, C_base, rows, columns, both, C_state, C_time, acc)
        decay, h = tl.associative_scan((tl.exp(dt * A), dt * u * B), 1, compose)
        h += decay * state
        y = tl.sum(h * C, 0)[None, :]
        tl.store(y_pointer + scan * length + columns, y, mask=inside)
        at_end = columns == chunk * TILE + TILE - 1
        state = tl.sum(tl.where(at_end, h, 0.0), 1)[:, None]
    tl.store(last_pointer + scan * states + rows, state, mask=used)


@triton.jit
def scan_backward(
    u_pointer,
    dt_pointer,
    A_pointer,
    B_pointer,
    C_pointer,
    starts_pointer,
    grad_y_pointer,
    grad_last_pointer,
    grad_u_pointer,
    grad_dt_pointer,
    grad_A_pointer,
    grad_B_pointer,
    grad_C_pointer,
    length,
    states,
    chunks,
    groups,
    per_group,
    B_batch,
    B_group,
    B_channel,
    B_state,
    B_time,
    C_batch,
    C_group,
    C_channel,
    C_state,
    C_time,
    STATES: tl.constexpr,
    TILE: tl.constexpr,
    B_VARIES: tl.constexpr,
    C_VARIES: tl.constexpr,
):
    """Walk the tiles of one channel from the last to the first, recomputing their states.

    With lam_t = C_t dL/dy_t + a_(t+1) lam_(t+1) and a_t h_(t-1) = h_t - dt_t B_t u_t. grad_A
    (b, g, p, n) is summed over the batch by the caller. grad_B and grad_C are (b, g, n, l), shared
    by the channels of a group and added to atomically, or (b, g, p, n) for a constant.
    """
    acc = grad_u_pointer.dtype.element_ty
    scan = tl.program_id(0).to(tl.int64)
    channel = scan % (groups * per_group)
    batch = scan // (groups * per_group)
    group, member = channel // per_group, channel % per_group
    B_base = batch * B_batch + group * B_group + member * B_channel
    C_base = batch * C_batch + group * C_group + member * C_channel
    rows = tl.arange(0, STATES)[:, None]
    used = rows < states
    A = tl.load(A_pointer + channel * states + rows, mask=used, other=0.0).to(acc)
    carry = tl.load(grad_last_pointer + scan * states + rows, mask=used, other=0.0).to(acc)
    grad_A = tl.zeros((STATES, 1), acc)
    grad_B_sum = tl.zeros((STATES, 1), acc)
    grad_C_sum = tl.zeros((STATES, 1), acc)
    shared = (batch * groups + group) * states * length + rows * length
    for back in range(chunks):
        chunk = chunks - 1 - back
        columns = chunk * TILE + tl.arange(0, TILE)[None, :]
        inside = columns < length
        both = used & inside
        start = tl.load(
            starts_pointer + (scan * chunks + chunk) * states + rows, mask=used, other=0.0
        )
        u = tl.load(u_pointer + scan * length + columns, mask=inside, other=0.0).to(acc)
        dt = tl.load(dt_pointer + scan * length + columns, mask=inside, other=0.0).to(acc)
        dt_next = tl.load(
            dt_pointer + scan * length + columns + 1, mask=columns + 1 < length, other=0.0
        ).to(acc)
        grad_y = tl.load(grad_y_pointer + scan * length + columns, mask=inside, other=0.0).to(acc)
        B = load_projection(B_pointer, B_base, rows, columns, both, B_state, B_time, acc)
        C = load_projection(C_pointer, C_base, rows, columns, both, C_state, C_time, acc)
        drive = dt * u * B
        decay, h = tl.associative_scan((tl.exp(dt * A), drive), 1, compose)
        h += decay * start
        decay, lam = tl.associative_scan(
            (tl.exp(dt_next * A), grad_y * C), 1, compose, reverse=True
        )
        lam += decay * carry
        carry = tl.sum(tl.where(columns == chunk * TILE, lam, 0.0), 1)[:, None]

        exponent = lam * (h - drive)
        along = tl.sum(lam * B, 0)[None, :]
        grad_dt = tl.sum(exponent * A, 0)[None, :] + along * u
        tl.store(grad_u_pointer + scan * length + columns, along * dt, mask=inside)
        tl.store(grad_dt_pointer + scan * length + columns, grad_dt, mask=inside)
        grad_A += tl.sum(exponent * dt, 1)[:, None]
        grad_B = lam * dt * u
        grad_C = h * grad_y
        if B_VARIES:
            tl.atomic_add(grad_B_pointer + shared + columns, grad_B, mask=both)
        else:
            grad_B_sum += tl.sum(grad_B, 1)[:, None]
        if C_VARIES:
            tl.atomic_add(grad_C_pointer + shared + columns, grad_C, mask=both)
        else:
            grad_C_sum += tl.sum(grad_C, 1)[:, None]
    tl.store(grad_A_pointer + scan * states + rows, grad_A, mask=used)
    if not B_VARIES:
        tl.store(grad_B_pointer + scan * states + rows, grad_B_sum, mask=used)
    if not C_VARIES:
        tl.store(grad_C_pointer + scan * states + rows, grad_C_sum, mask=used)
