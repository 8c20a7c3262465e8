# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Plots of measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from pathlib import Path

Row = Mapping[str, Any]
_DPI = 80


def plot_ages(rows: Sequence[Row], path: Path, *, title: str) -> None:
    """Plot age (median to 95th percentile) and rate of each node, by image size and transport."""
    figure = _figure((9, 4.2))
    ages, rates = figure.subplots(1, 2)
    cases = list(dict.fromkeys(_case(row) for row in rows))
    nodes = list(dict.fromkeys(_node(row) for row in rows))
    width = 0.8 / len(nodes)
    for i, node in enumerate(nodes):
        own = {_case(row): row for row in rows if _node(row) == node}
        places = [cases.index(case) + (i - (len(nodes) - 1) / 2) * width for case in own]
        median_ms = np.array([row['age_ms']['p50'] for row in own.values()])
        high_ms = np.array([row['age_ms']['p95'] for row in own.values()])
        spread = [np.zeros(len(own)), np.maximum(high_ms - median_ms, 0)]
        ages.bar(places, median_ms, width, yerr=spread, capsize=2, label=node)
        rates.bar(places, [row['results_per_s'] for row in own.values()], width, label=node)
    bare = {_case(row): row['bare_forward_ms']['p50'] for row in rows}
    ages.plot(range(len(cases)), [bare[case] for case in cases], 'k_', ms=24, label='bare forward')
    ages.set(title=f'Age of results, {title}', ylabel='ms: p50, whisker to p95')
    rates.set(title='Results', ylabel='per second')
    for axes in (ages, rates):
        axes.set_xticks(range(len(cases)), cases, rotation=45, ha='right')
        axes.grid(visible=True, axis='y', alpha=0.3)
    figure.legend(*ages.get_legend_handles_labels(), loc='outside lower left', ncols=5)
    figure.savefig(path, dpi=_DPI)


def plot_soak(soak: Mapping[str, Any], path: Path) -> None:
    """Plot memory, age and counts over time."""
    figure = _figure((9, 5))
    memory, age, counts = figure.subplots(3, 1, sharex=True)
    samples = soak['samples']
    minutes = _minutes(samples)
    memory.plot(minutes, [sample['memory_mb'] for sample in samples])
    memory.set(ylabel='memory, MB', title='Endurance')
    aged = [sample for sample in samples if sample['results']]
    for percent in ('p50', 'p95'):
        values = [sample['age_ms'][percent] for sample in aged]
        age.plot(_minutes(aged), values, label=percent)
    beside = [sample for sample in samples if 'bare_forward_ms' in sample]  # not in old results
    bare_ms = [sample['bare_forward_ms']['p50'] for sample in beside]
    age.plot(_minutes(beside), bare_ms, 'k--', lw=1, label='bare forward')
    age.set(ylabel='age, ms')
    for name in ('threads', 'handles'):
        counts.plot(minutes, [sample[name] for sample in samples], label=name)
    counts.set(xlabel='minutes', ylabel='count')
    for axes in (memory, age, counts):
        axes.set_ylim(0, 1.15 * axes.get_ylim()[1])
        axes.grid(visible=True, alpha=0.3)
    age.set_ylim(0, 1.3 * age.get_ylim()[1])
    age.legend(loc='upper right', ncols=3)
    counts.legend(loc='lower right')
    figure.savefig(path, dpi=_DPI)


def _minutes(samples: Sequence[Row]) -> list[float]:
    return [sample['at_s'] / 60 for sample in samples]


def _figure(size: tuple[float, float]) -> Figure:
    figure = Figure(figsize=size, layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def _case(row: Row) -> str:
    also = ''.join(f' +{name}' for name in ('annotated', 'recorder', 'inspector') if row.get(name))
    also += ' +busy' if row.get('busy') else ''
    return f'{row["size"]} {"JPEG" if row["transport"] == "compressed" else "raw"}{also}'


def _node(row: Row) -> str:
    return str(row['contender']).replace(f'_{row["transport"]}', '').replace('_', ' ')
