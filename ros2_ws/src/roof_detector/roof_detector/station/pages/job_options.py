# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The controls for the options of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from nicegui import ui

from roof_detector.station.jobs.job import JobKind, JobRequest
from roof_detector.vision.thresholds import Thresholds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from roof_detector.station.context import StationContext


class JobOptions:
    """Controls for the model and the thresholds of new jobs.

    `on_change` is called immediately after each change, because a file may be dropped right then.
    """

    def __init__(
        self, context: StationContext, *, on_change: Callable[[], None] = lambda: None
    ) -> None:
        default, self._models, text = Thresholds(), context.models, context.text
        models = self._models.choices
        first = 'roof_anomalies' if 'roof_anomalies' in models else next(iter(models), None)
        self._model = ui.select(models, value=first, label=text('model')).classes('w-full')
        self._confidence = _slider(text('confidence'), default.confidence)
        self._iou = _slider(text('iou'), default.iou)
        for control in (self._model, self._confidence, self._iou):
            control.on_value_change(lambda _: on_change())

    @property
    def query(self) -> str:
        """Return the values as a query string."""
        values = {'model': self._model.value or '', 'confidence': self._confidence.value}
        return urlencode(values | {'iou': self._iou.value})

    def request(
        self, kind: JobKind, *, title: str, source: Path, formats: tuple[str, ...]
    ) -> JobRequest:
        """Return a job request with the values; an export has no model."""
        return JobRequest(
            kind=kind,
            title=title,
            source=str(source),
            model='' if kind == 'export' else self._model.value or '',
            confidence=self._confidence.value,
            iou=self._iou.value,
            formats=formats,
        )

    def update(self) -> None:
        """Show the present models."""
        models = self._models.choices
        if self._model.options != models:
            self._model.set_options(models)


def _slider(label: str, value: float) -> ui.slider:
    with ui.row().classes('w-full items-center no-wrap'):
        ui.label(label).classes('w-32 shrink-0')
        slider = ui.slider(min=0, max=1, step=0.01, value=value).classes('grow')
        ui.label().bind_text_from(slider, 'value', lambda one: f'{one:.2f}').classes(
            'w-12 text-right tabular-nums font-bold'
        )
    return slider
