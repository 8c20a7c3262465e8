# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One job in the list, with its progress and buttons."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from nicegui import ui

from roof_detector.station.jobs.job import Job, JobState
from roof_detector.station.pages.confirmation import confirmed

if TYPE_CHECKING:
    from collections.abc import Callable

    from roof_detector.station.context import StationContext

# Text key and colour of each state.
_STATES = {
    JobState.QUEUED: ('job_queued', 'blue-grey-7'),
    JobState.RUNNING: ('job_running', 'blue-8'),
    JobState.DONE: ('job_done', 'green-8'),
    JobState.FAILED: ('job_failed', 'red-8'),
    JobState.CANCELLED: ('job_cancelled', 'grey-7'),
}
_ICONS = {
    'images': 'photo_library',
    'video': 'movie',
    'flight': 'flight',
    'export': 'file_download',
    'inspect': 'fact_check',
}


class JobRow:
    """The row of one job; `update` shows its present state."""

    def __init__(
        self, context: StationContext, job: Job, *, on_show: Callable[[Job], None]
    ) -> None:
        self.job = job
        self._context = context
        text = context.text
        requested = datetime.fromtimestamp(job.request.requested_at_s).astimezone()
        self._row = ui.column().classes('job-row w-full gap-1').mark(f'job-{job.id}')
        with self._row:
            with ui.row().classes('w-full items-center no-wrap'):
                ui.icon(_ICONS[job.request.kind], size='sm')
                title = ui.label(job.request.title).classes('grow font-bold truncate')
                title.tooltip(job.request.title)
                self._state = ui.badge().classes('text-sm px-2 py-1')
            self._bar = ui.linear_progress(show_value=False).props('rounded size=10px')
            self._message = ui.label().classes('break-words')
            with ui.row().classes('w-full items-center gap-1'):
                ui.label(f'{requested:%Y-%m-%d %H:%M}').classes('grow tabular-nums')
                show = ui.button(text('show'), on_click=lambda: on_show(job))
                show.props('flat dense')
                self._retry = ui.button(icon='replay', on_click=self._do_retry)
                self._retry.props('flat dense').tooltip(text('retry'))
                self._cancel = ui.button(text('cancel'), on_click=self._do_cancel)
                self._cancel.props('flat dense color=red-6')
                self._delete = ui.button(icon='delete', on_click=self._do_delete)
                self._delete.props('flat dense').tooltip(text('delete'))

    def update(self, *, is_shown: bool) -> None:
        """Show the present state."""
        job = self.job
        self._row.classes(
            add='is-shown' if is_shown else '', remove='' if is_shown else 'is-shown'
        )
        key, colour = _STATES[job.state]
        self._state.set_text(self._context.text(key))
        self._state.props(f'color={colour}')
        is_open = job.state in (JobState.QUEUED, JobState.RUNNING)
        self._bar.set_visibility(job.state == JobState.RUNNING)
        share = job.progress.share
        self._bar.props(
            add='' if share else 'indeterminate', remove='indeterminate' if share else ''
        )
        self._bar.set_value(share or 0.0)
        self._message.set_text(
            self._progress_text() if job.state == JobState.RUNNING else job.reason
        )
        self._message.classes(
            add='station-reason' if job.reason else '',
            remove='' if job.reason else 'station-reason',
        )
        self._cancel.set_visibility(is_open)
        self._delete.set_visibility(not is_open)
        self._retry.set_visibility(job.state in (JobState.FAILED, JobState.CANCELLED))

    def _progress_text(self) -> str:
        text, progress = self._context.text, self.job.progress
        if not progress.done:
            return text('loading_model')
        parts = [f'{progress.done} / {progress.frames or "?"}']
        if progress.rate_hz:
            parts.append(text('per_second', rate=f'{progress.rate_hz:.1f}'))
        if progress.left_s is not None:
            parts.append(text('time_left', time=clock(progress.left_s)))
        return ' · '.join(parts)

    async def _do_cancel(self) -> None:
        await self._context.queue.cancel(self.job.id)

    def _do_retry(self) -> None:
        self._context.queue.retry(self.job.id)

    async def _do_delete(self) -> None:
        question = self._context.text('delete_job', title=self.job.request.title)
        if await confirmed(self._context, question):
            await self._context.queue.delete(self.job.id)


def clock(seconds: float) -> str:
    """Return a duration as minutes:seconds or hours:minutes:seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02d}:{rest:02d}' if hours else f'{minutes}:{rest:02d}'
