# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A network's kernels, replayed as one CUDA graph."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

import torch

_log = logging.getLogger(__name__)

Network = Callable[[torch.Tensor], tuple[torch.Tensor, ...]]

# Each graph holds the network's whole working memory. Batches of other sizes run in these.
_MOST_GRAPHS = 4
_WARM_UP_PASSES = 3
_TIMED_PASSES = 10
# f16 kernels may be chosen again for the graph: parts of a row's greatest value, or of 1.
_TOLERANCE = 2e-2


@dataclass(frozen=True, eq=False, kw_only=True)
class _Captured:
    graph: torch.cuda.CUDAGraph
    blob: torch.Tensor
    outputs: tuple[torch.Tensor, ...]
    kept: tuple[torch.Tensor, ...]

    def __call__(self, blob: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Run a batch of at most as many images; other places keep what they hold."""
        count = len(blob)
        self.blob[:count].copy_(blob)
        self.graph.replay()
        # The next replay writes over these.
        return tuple(one[:count].clone() for one in self.outputs)


@dataclass(frozen=True, eq=False)
class _InParts:
    """Runs a batch in the graphs of others, one after another; the last may be too large."""

    graphs: tuple[_Captured, ...]

    def __call__(self, blob: torch.Tensor) -> tuple[torch.Tensor, ...]:
        sizes = [len(one.blob) for one in self.graphs[:-1]]
        parts = blob.split([*sizes, len(blob) - sum(sizes)])
        found = [graph(part) for graph, part in zip(self.graphs, parts, strict=True)]
        return tuple(torch.cat(outputs) for outputs in zip(*found, strict=True))


class GraphedNetwork:
    """Run a network as one CUDA graph per input shape, where that answers alike and is faster.

    A small network on a fast device waits for Python to start its kernels one by one; a graph
    starts them all at once. It is captured at the second pass of a shape, during warm-up: golden
    images have one pass, and would take the graphs of the cameras' images. It is compared with
    the network itself on another image and timed beside it; `refusals` and the log say why a
    shape has none. Where all graphs are taken, a batch of another size runs in those that are
    there, whichever way is quickest (`quickest_parts`). Belongs into the thread that owns the
    model.
    See "CUDA semantics: CUDA Graphs" in the documentation of torch.
    """

    def __init__(self, network: Network, *, model: torch.nn.Module) -> None:
        self._network = network
        self._model = model
        self._captured: dict[torch.Size, _Captured | _InParts | None] = {}
        self._seconds: dict[torch.Size, float] = {}
        self._seen: set[torch.Size] = set()
        self.refusals: dict[torch.Size, str] = {}

    def __call__(self, blob: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Run the network on a batch (n, 3, height, width)."""
        if blob.shape not in self._captured:
            if len(self._seconds) >= _MOST_GRAPHS and (parts := self._parts_of(blob.shape)):
                self._captured[blob.shape] = parts
            elif blob.shape in self._seen:
                self._captured[blob.shape] = self._try(blob)
            else:
                self._seen.add(blob.shape)
        return (self._captured.get(blob.shape) or self._network)(blob)

    def _parts_of(self, shape: torch.Size) -> _InParts | None:
        """Return the graphs that run a batch of this shape, or None without any of its images."""
        graphs = {
            size[0]: captured
            for size, captured in self._captured.items()
            if isinstance(captured, _Captured) and size[1:] == shape[1:]
        }
        if not graphs:
            return None
        seconds = {count: self._seconds[captured.blob.shape] for count, captured in graphs.items()}
        return _InParts(tuple(graphs[count] for count in quickest_parts(shape[0], seconds)))

    def _try(self, blob: torch.Tensor) -> _Captured | None:
        """Return a graph that may be used, or None."""
        captured = None
        if len(self._seconds) >= _MOST_GRAPHS:
            reason = f'{_MOST_GRAPHS} other shapes have graphs already'
        else:
            try:
                captured = _capture(self._network, blob, model=self._model)
                reason = self._why_not(captured, torch.rand_like(blob))
            except RuntimeError as error:  # what waits for the host cannot be captured
                torch.cuda.synchronize(blob.device)
                reason = str(error).split('\n', maxsplit=1)[0]
        if not reason:
            return captured
        self.refusals[blob.shape] = reason
        _log.warning('Input %s runs without a CUDA graph: %s.', tuple(blob.shape), reason)
        return None

    def _why_not(self, captured: _Captured, blob: torch.Tensor) -> str:
        for expected, found in zip(self._network(blob), captured(blob), strict=True):
            if disagree(expected, found):
                return 'it does not answer as the network does'
        alone_s, graphed_s = (_seconds(one, blob) for one in (self._network, captured))
        if graphed_s >= alone_s:
            return f'it takes {1e3 * graphed_s:.2f} ms, the network without it {1e3 * alone_s:.2f}'
        self._seconds[blob.shape] = graphed_s
        return ''


def quickest_parts(count: int, seconds: Mapping[int, float]) -> tuple[int, ...]:
    """Return which batch sizes run `count` images in the least time, the largest first.

    `seconds` is what a batch of each size takes, full or not. Four that take 3 s and one that
    takes 1 s run six images in 5 s, where eight that take 6 s would run them in 6 s.
    """
    best: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for images in range(1, count + 1):
        best.append(
            min(
                (
                    seconds[size] + best[max(0, images - size)][0],
                    (size, *best[max(0, images - size)][1]),
                )
                for size in seconds
            )
        )
    return tuple(sorted(best[count][1], reverse=True))


def disagree(expected: torch.Tensor, found: torch.Tensor) -> bool:
    """Return whether two outputs (n, rows, ...) differ by more than rounding; NaN always does.

    Each row has its own scale: boxes are in pixels, scores in 0..1.
    """
    expected, found = expected.float().flatten(2), found.float().flatten(2)
    limit = _TOLERANCE * expected.abs().amax(dim=2, keepdim=True).clamp(min=1)
    return not bool(((expected - found).abs() <= limit).all())


def _capture(network: Network, blob: torch.Tensor, *, model: torch.nn.Module) -> _Captured:
    """Record a network's kernels; other threads may use the device meanwhile."""
    static_blob = blob.clone()
    current = torch.cuda.current_stream(blob.device)
    side = torch.cuda.Stream(blob.device)
    side.wait_stream(current)
    with torch.cuda.stream(side):
        for _ in range(_WARM_UP_PASSES):
            network(static_blob)
    current.wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with (
        # A capture that fails leaves its own stream behind as the current one.
        torch.cuda.stream(current),
        torch.cuda.graph(graph, stream=side, capture_error_mode='thread_local'),
    ):
        outputs = network(static_blob)
    # A graph knows addresses alone. What modules keep of the last shape, as the head its anchors,
    # they drop at the next one.
    kept = tuple(
        value
        for module in model.modules()
        for value in vars(module).values()
        if isinstance(value, torch.Tensor)
    )
    return _Captured(graph=graph, blob=static_blob, outputs=outputs, kept=kept)


def _seconds(run: Network, blob: torch.Tensor) -> float:
    """Return the least time of a pass, from its start to its end on the device."""
    times_s = []
    for _ in range(_TIMED_PASSES):
        started_s = perf_counter()
        run(blob)
        torch.cuda.synchronize(blob.device)
        times_s.append(perf_counter() - started_s)
    return min(times_s)
