# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One job in the list: what it is, how far, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from nicegui import ui

from roof_detector.station.context import StationContext
from roof_detector.station.jobs.job import CANCELLED, DONE, FAILED, QUEUED, RUNNING, Job
from roof_detector.station.pages.confirmation import confirmed

# What the page calls a state, and its colour.
_STATES = {
    QUEUED: ('job_queued', 'blue-grey-7'),
    RUNNING: ('job_running', 'blue-8'),
    DONE: ('job_done', 'green-8'),
    FAILED: ('job_failed', 'red-8'),
    CANCELLED: ('job_cancelled', 'grey-7'),
}
_ICONS = {
    'pictures': 'photo_library',
    'video': 'movie',
    'flight': 'flight',
    'export': 'file_download',
}


class JobRow:
    """Show one job; `follow` brings it up to date."""

    def __init__(
        self, context: StationContext, job: Job, *, on_show: Callable[[Job], None]
    ) -> None:
        self.job = job
        self._context = context
        text = context.text
        ordered = datetime.fromtimestamp(job.order.ordered_at_s).astimezone()
        self._row = ui.column().classes('job-row w-full gap-1').mark(f'job-{job.id}')
        with self._row:
            with ui.row().classes('w-full items-center no-wrap'):
                ui.icon(_ICONS[job.order.kind], size='sm')
                title = ui.label(job.order.title).classes('grow font-bold truncate')
                title.tooltip(job.order.title)
                self._state = ui.badge().classes('text-sm px-2 py-1')
            self._bar = ui.linear_progress(show_value=False).props('rounded size=10px')
            self._words = ui.label().classes('break-words')
            with ui.row().classes('w-full items-center gap-1'):
                ui.label(f'{ordered:%Y-%m-%d %H:%M}').classes('grow tabular-nums')
                show = ui.button(text('show'), on_click=lambda: on_show(job))
                show.props('flat dense')
                self._again = ui.button(icon='replay', on_click=self._do_again)
                self._again.props('flat dense').tooltip(text('again'))
                self._cancel = ui.button(text('cancel'), on_click=self._do_cancel)
                self._cancel.props('flat dense color=red-6')
                self._delete = ui.button(icon='delete', on_click=self._do_delete)
                self._delete.props('flat dense').tooltip(text('delete'))

    def follow(self, *, is_shown: bool) -> None:
        """Show the present state."""
        job = self.job
        self._row.classes(
            add='is-shown' if is_shown else '', remove='' if is_shown else 'is-shown'
        )
        words, colour = _STATES[job.state]
        self._state.set_text(self._context.text(words))
        self._state.props(f'color={colour}')
        is_open = job.state in (QUEUED, RUNNING)
        self._bar.set_visibility(job.state == RUNNING)
        share = job.progress.share
        self._bar.props(
            add='' if share else 'indeterminate', remove='indeterminate' if share else ''
        )
        self._bar.set_value(share or 0.0)
        self._words.set_text(self._progress_words() if job.state == RUNNING else job.reason)
        self._words.classes(
            add='station-reason' if job.reason else '',
            remove='' if job.reason else 'station-reason',
        )
        self._cancel.set_visibility(is_open)
        self._delete.set_visibility(not is_open)
        self._again.set_visibility(job.state in (FAILED, CANCELLED))

    def _progress_words(self) -> str:
        text, progress = self._context.text, self.job.progress
        if not progress.done:
            return text('loading_model')
        words = [f'{progress.done} / {progress.frames or "?"}']
        if progress.rate_hz:
            words.append(text('per_second', rate=f'{progress.rate_hz:.1f}'))
        if progress.left_s is not None:
            words.append(text('time_left', time=clock(progress.left_s)))
        return ' · '.join(words)

    async def _do_cancel(self) -> None:
        await self._context.queue.cancel(self.job.id)

    def _do_again(self) -> None:
        self._context.queue.again(self.job.id)

    async def _do_delete(self) -> None:
        question = self._context.text('delete_job', title=self.job.order.title)
        if await confirmed(self._context, question):
            await self._context.queue.delete(self.job.id)


def clock(seconds: float) -> str:
    """Return seconds as minutes and seconds, or with hours before them."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02d}:{rest:02d}' if hours else f'{minutes}:{rest:02d}'
