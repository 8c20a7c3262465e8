# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Time and memory of one method of selective scan."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from benchmarks.bench.live_bytes import LiveBytes
from roof_detector.blocks.scan.selective_scan import METHODS, selective_scan

Scan = Callable[..., Tensor]
REFERENCE: Scan = partial(selective_scan, method='sequential')


@dataclass(frozen=True, kw_only=True)
class ScanSizes:
    """The sizes of a scan."""

    batch: int
    channels: int
    states: int
    length: int


@dataclass(frozen=True, kw_only=True)
class ScanTiming:
    """What was measured for one method at one size.

    Peaks are above the inputs, inference without gradients and training with all of them.
    `relative_error` is the largest difference from the sequential scan in double precision over
    the largest value there.
    """

    method: str
    sizes: ScanSizes
    forward_ms: float
    training_ms: float
    inference_bytes: int
    training_bytes: int
    relative_error: float


def usable_methods(device: str) -> dict[str, Scan]:
    """Return the methods that can run on a device, with mamba_ssm's if it is installed."""
    cuda = torch.device(device).type == 'cuda'
    names = [name for name in METHODS if name != 'triton' or cuda]
    scans: dict[str, Scan] = {name: partial(selective_scan, method=name) for name in names}
    if cuda:
        try:
            from mamba_ssm.ops.selective_scan_interface import selective_scan_fn  # noqa: PLC0415
        except ImportError:
            return scans
        scans['mamba_ssm'] = selective_scan_fn
    return scans


def time_scan(
    scan: Scan, method: str, sizes: ScanSizes, *, device: str, repeats: int
) -> ScanTiming:
    """Measure one scan, forward only and forward with backward."""
    inputs = _random_inputs(sizes, device)

    def infer() -> None:
        with torch.no_grad():
            scan(**inputs, delta_softplus=True)

    weights = {name: tensor.clone().requires_grad_() for name, tensor in inputs.items()}

    def train() -> None:
        for tensor in weights.values():
            tensor.grad = None
        scan(**weights, delta_softplus=True).sum().backward()

    return ScanTiming(
        method=method,
        sizes=sizes,
        forward_ms=_best_ms(infer, device=device, repeats=repeats),
        training_ms=_best_ms(train, device=device, repeats=repeats),
        inference_bytes=_peak_bytes(infer, device=device),
        training_bytes=_peak_bytes(train, device=device),
        relative_error=_relative_error(scan, inputs),
    )


def _random_inputs(sizes: ScanSizes, device: str) -> dict[str, Tensor]:
    """Return the arguments of a stable scan, one group, in float32."""
    random = torch.Generator().manual_seed(0)
    along = (sizes.batch, sizes.channels, sizes.length)
    shared = (sizes.batch, sizes.states, sizes.length)
    per_channel = (sizes.channels, sizes.states)
    shapes = {'u': along, 'delta': along, 'A': per_channel, 'B': shared, 'C': shared}
    inputs = {name: torch.randn(shape, generator=random) for name, shape in shapes.items()}
    inputs['A'] = -torch.exp(inputs['A'])
    inputs['D'] = torch.ones(sizes.channels)
    return {name: tensor.to(device) for name, tensor in inputs.items()}


def _best_ms(call: Callable[[], None], *, device: str, repeats: int) -> float:
    """Return the shortest time of several calls, after one warm-up call."""
    call()
    times = []
    for _ in range(repeats):
        _synchronize(device)
        start = time.perf_counter()
        call()
        _synchronize(device)
        times.append((time.perf_counter() - start) * 1e3)
    return min(times)


def _synchronize(device: str) -> None:
    if torch.device(device).type == 'cuda':
        torch.cuda.synchronize(device)


def _peak_bytes(call: Callable[[], None], *, device: str) -> int:
    """Return the peak memory of the tensors that the call makes."""
    if torch.device(device).type == 'cuda':
        torch.cuda.synchronize(device)
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        call()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    with LiveBytes() as live:
        call()
    return live.peak


def _relative_error(scan: Scan, inputs: dict[str, Tensor]) -> float:
    exact = {name: tensor.double() for name, tensor in inputs.items()}
    with torch.no_grad():
        y = scan(**inputs, delta_softplus=True)
        wanted = REFERENCE(**exact, delta_softplus=True)
    return float((y - wanted).abs().max() / wanted.abs().max())
