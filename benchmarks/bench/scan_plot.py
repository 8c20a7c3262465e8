# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The plot of `python -m benchmarks.bench scan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.bench.scan_timing import ScanTiming

PANELS = (
    ('Forward', 'ms', 'forward_ms', 1.0),
    ('Forward and backward', 'ms', 'training_ms', 1.0),
    ('Peak memory, inference', 'MiB', 'inference_bytes', 2.0**20),
    ('Peak memory, training', 'MiB', 'training_bytes', 2.0**20),
)


def plot_scan_timings(timings: Sequence[ScanTiming], path: Path) -> None:
    """Plot time and memory over the length, with one line per method, to a file."""
    figure = Figure(figsize=(10, 8), layout='constrained')
    FigureCanvasAgg(figure)
    for axes, (title, unit, attribute, scale) in zip(
        figure.subplots(2, 2).flat, PANELS, strict=True
    ):
        for method in dict.fromkeys(timing.method for timing in timings):
            own = [timing for timing in timings if timing.method == method]
            lengths = [timing.sizes.length for timing in own]
            values = [getattr(timing, attribute) / scale for timing in own]
            axes.loglog(lengths, values, marker='o', label=method, base=2)
        axes.set(title=title, xlabel='length', ylabel=unit)
        axes.set_yscale('log', base=10)
        axes.grid(visible=True, alpha=0.3)
        axes.legend(loc='upper left')
    figure.savefig(path, dpi=120)
