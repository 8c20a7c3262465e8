# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The panel of uploads, jobs and their results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from roof_detector.station.pages import file_drop
from roof_detector.station.pages.job_options import JobOptions
from roof_detector.station.pages.job_row import JobRow
from roof_detector.station.pages.results_card import ResultsCard

if TYPE_CHECKING:
    from roof_detector.station.context import StationContext
    from roof_detector.station.jobs.job import Job

_SHOWN_JOBS = 20


def build(context: StationContext) -> None:
    """Build the panel in the present container."""
    with ui.element('div').classes('grid grid-cols-1 xl:grid-cols-3 gap-3 w-full'):
        with ui.column().classes('w-full'):
            _build_drop(context)
            jobs = _JobList(context)
        with ui.column().classes('xl:col-span-2 w-full'):
            results = ResultsCard(context)

    def update() -> None:
        jobs.update()
        results.update(jobs.shown)

    ui.timer(0.5, update)


def _build_drop(context: StationContext) -> None:
    with ui.card().classes('station-card w-full'):
        drop = file_drop.build(context, target='jobs', label='drop_here', hint='drop_hint')
        drop.props('many')

        def apply_options() -> None:
            drop.props['options'] = options.query

        options = JobOptions(context, on_change=apply_options)
        apply_options()
    ui.timer(1.0, options.update)


class _JobList:
    """A list of the newest jobs; `shown` is the job whose results the page shows."""

    def __init__(self, context: StationContext) -> None:
        self._context = context
        self._chosen = self._newest = ''
        self._rows: list[JobRow] = []
        self._limit = _SHOWN_JOBS
        with ui.card().classes('station-card w-full'):
            ui.label(context.text('jobs')).classes('station-heading')
            self._container = ui.column().classes('w-full gap-2')
            self._more = ui.button(context.text('show_more'), on_click=self._show_more)
            self._more.props('flat dense')

    @property
    def shown(self) -> Job | None:
        """Return the selected job, or the newest; None if there is none."""
        jobs = self._context.queue.jobs
        return next((job for job in jobs if job.id == self._chosen), jobs[0] if jobs else None)

    def update(self) -> None:
        """Show the present jobs and their progress."""
        jobs = self._context.queue.jobs
        newest = jobs[0].id if jobs else ''
        if newest != self._newest:
            self._newest, self._chosen = newest, ''
        self._more.set_visibility(len(jobs) > self._limit)
        wanted = jobs[: self._limit]
        if [row.job for row in self._rows] != list(wanted):
            self._container.clear()
            with self._container:
                self._rows = [JobRow(self._context, job, on_show=self._choose) for job in wanted]
                if not wanted:
                    ui.label(self._context.text('no_jobs'))
        shown = self.shown
        for row in self._rows:
            row.update(is_shown=row.job is shown)

    def _choose(self, job: Job) -> None:
        self._chosen = job.id

    def _show_more(self) -> None:
        self._limit += _SHOWN_JOBS
