# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Plots of rate, age and confidence over the last minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui

if TYPE_CHECKING:
    from collections.abc import Callable

    from roof_detector.station.camera_link import CameraLink
    from roof_detector.station.context import StationContext

_SHOWN_S = 180
_SERIES = (
    ('plot_rate', '#0a84d8', lambda sample: round(sample.rate_hz, 1)),
    (
        'plot_age',
        '#e07b00',
        lambda sample: None if sample.age_s is None else round(sample.age_s * 1e3),
    ),
    ('plot_confidence', '#009e73', lambda sample: round(sample.confidence, 2) or None),
)


def build(context: StationContext, camera: Callable[[], CameraLink | None]) -> None:
    """Build a small plot for each value."""
    with ui.card().classes('station-card w-full gap-1'):
        ui.label(context.text('last_minutes')).classes('station-heading')
        plots = []
        for name, colour, _ in _SERIES:
            with ui.row().classes('w-full items-baseline justify-between'):
                ui.label(context.text(name))
                value = ui.label().classes('text-xl font-bold')
            plots.append((value, ui.echart(_options(colour)).classes('w-full h-20')))

    def refresh() -> None:
        link = camera()
        samples = [] if link is None else list(link.log.samples)[-_SHOWN_S:]
        for (value, plot), (_, _, of) in zip(plots, _SERIES, strict=True):
            points = [[int(sample.time_s * 1e3), of(sample)] for sample in samples]
            plot.options['series'][0]['data'] = points
            value.set_text('' if not points or points[-1][1] is None else str(points[-1][1]))

    ui.timer(2.0, refresh)


def _options(colour: str) -> dict[str, Any]:
    return {
        'animation': False,
        'grid': {'left': 42, 'right': 8, 'top': 6, 'bottom': 20},
        'xAxis': {'type': 'time', 'axisLabel': {'hideOverlap': True, 'color': '#8a94a0'}},
        'yAxis': {
            'type': 'value',
            'splitNumber': 2,
            'min': 0,
            'axisLabel': {'color': '#8a94a0'},
            'splitLine': {'lineStyle': {'color': '#8884'}},
        },
        'series': [
            {
                'type': 'line',
                'showSymbol': False,
                'data': [],
                'lineStyle': {'width': 2.5, 'color': colour},
                'areaStyle': {'color': colour, 'opacity': 0.15},
            }
        ],
    }
