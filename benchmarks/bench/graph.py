# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Interleaved measurement of contenders, and of the bare forward pass between them."""

from __future__ import annotations

import logging
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.bench.frames import bench_frames
from benchmarks.bench.spread import spread_ms
from roof_detector.inference.detector import Detector
from roof_detector.inference.export.export_cache import ExportCache
from roof_detector.inference.shipped_weights import resolve_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.bench.contender import Contender
    from benchmarks.bench.graph_stand import GraphStand, Load
    from roof_detector.inference.options import PrecisionOption

_log = logging.getLogger(__name__)

# Sent so much faster than the network answers, frames are plentiful.
PLENTY = 1.5


class BareForward:
    """A network alone, run in this process while the nodes are idle."""

    def __init__(
        self,
        model: str,
        *,
        precision: PrecisionOption = 'auto',
        threads: int,
        int8: bool = False,
    ) -> None:
        self._detector = Detector.open(
            resolve_model(model),
            precision=precision,
            threads=threads or None,
            cache=ExportCache.usual(),  # as the node
            int8=int8,
        )

    def describe(self) -> dict[str, Any]:
        """Return the file name, the runtime and the reason for its choice."""
        return {
            'model': self._detector.model_path.name,
            'backend': self._detector.choice.sentence,
            'device': self._detector.device,
            'precision': self._detector.precision,
            'threads': self._detector.threads or 'all',
        }

    def measure(self, size_wh: tuple[int, int], *, seconds: float) -> dict[str, float]:
        """Return the times of forward passes in milliseconds, after a few warm-up passes."""
        prepared = self._detector.preprocess(bench_frames(size_wh)[0])
        times_s: list[float] = []
        self._detector.warm_up(size_wh)
        until_s = monotonic() + seconds
        while monotonic() < until_s:
            (output,) = self._detector.infer(prepared)
            times_s.append(output.forward_s)
        return spread_ms(times_s)

    def __enter__(self) -> BareForward:
        return self

    def __exit__(self, *_: object) -> None:
        self._detector.close()


def measure_interleaved(
    stand: GraphStand,
    pairs: Sequence[tuple[Contender, Load]],
    *,
    bare: BareForward,
    rounds: int,
    seconds: float,
) -> list[dict[str, Any]]:
    """Return a row for each pair, the median of its rounds, the bare forward pass beside it.

    Each round measures every pair, after the bare forward pass at its image size.
    """
    for contender in dict.fromkeys(contender for contender, _ in pairs):
        _log.info('Starting %s.', contender.name)
        stand.start(contender)
    measured: list[list[dict[str, Any]]] = [[] for _ in pairs]
    for number in range(rounds):
        for (contender, load), rows in zip(pairs, measured, strict=True):
            forward_ms = bare.measure(load.size_wh, seconds=seconds / 2)
            row = stand.measure(contender, load, seconds=seconds)
            rows.append({**row, 'bare_forward_ms': forward_ms})
            _log.info(
                'Round %d: %s, %s %s: %.1f/s, %.0f ms, forward %.0f ms',
                number + 1,
                contender.name,
                load.describe()['size'],
                load.transport,
                row['results_per_s'],
                row['age_ms']['p50'],
                forward_ms['p50'],
            )
    for contender in dict.fromkeys(contender for contender, _ in pairs):
        stand.nodes.stop(contender.name)
    return [_median_of(rows) for rows in measured]


def plentiful(load: Load, forward_ms: float) -> Load:
    """Return a load with a rate that is too high for a network of this speed."""
    return replace(load, rate_hz=round(PLENTY * 1000 / forward_ms, 1))


def _median_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one row with the median of every value over the rounds, also of nested values."""
    first = rows[0]
    medians = dict(_medians(first, rows))
    forward_ms, age_ms = medians['bare_forward_ms']['p50'], medians['age_ms']['p50']
    return {
        **medians,
        'rounds': len(rows),
        'each_round': [
            {
                'results_per_s': row['results_per_s'],
                'age_ms_p50': row['age_ms']['p50'],
                'cpu_ms_per_result': row['cpu_ms_per_result'],
            }
            for row in rows
        ],
        'overhead_ms': round(age_ms - forward_ms, 2),
        'throughput_to_bare': round(medians['results_per_s'] * forward_ms / 1e3, 3),
    }


def _medians(like: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    for key, value in like.items():
        of_all = [row[key] for row in rows if key in row]
        if isinstance(value, dict):
            yield key, dict(_medians(value, of_all))
        elif isinstance(value, bool | str) or len(set(of_all)) == 1:
            yield key, value
        else:
            yield key, round(float(np.median(of_all)), 3)
