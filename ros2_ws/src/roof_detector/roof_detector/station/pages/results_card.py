# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The results of a job: before and after, detections, and files to download."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from nicegui import ui

from roof_detector.station.jobs.job import Job, JobState
from roof_detector.station.jobs.job_results import SHOWN_ROWS, JobResults

if TYPE_CHECKING:
    from nicegui.events import GenericEventArguments

    from roof_detector.station.context import StationContext

_VIEW_WIDTH = 1600
_KINDS = {
    '.xlsx': 'Excel',
    '.csv': 'CSV',
    '.json': 'JSON',
    '.geojson': 'GeoJSON',
    '.kml': 'KML',
    '.kmz': 'KMZ',
    '.gpkg': 'GeoPackage',
    '.mp4': 'MP4',
}


class ResultsCard:
    """The card with the results of the selected job."""

    def __init__(self, context: StationContext) -> None:
        self._context = context
        self._shown: tuple[str, str, str] | None = None
        with ui.card().classes('station-card w-full').mark('results'):
            self._container = ui.column().classes('w-full')

    def update(self, job: Job | None) -> None:
        """Rebuild the results when the job or its state has changed."""
        shown = None if job is None else (job.id, job.state, job.reason)
        if shown == self._shown and self._container.default_slot.children:
            return
        self._shown = shown
        self._container.clear()
        with self._container:
            if job is None or job.state != JobState.DONE:
                title = '' if job is None else job.request.title
                ui.label(title or self._context.text('results')).classes('station-heading')
                ui.label(self._context.text('no_results_yet' if job else 'drop_first'))
            else:
                ui.timer(0, lambda: self._show(job), once=True)

    async def _show(self, job: Job) -> None:
        results = await asyncio.to_thread(JobResults.of, job)
        with self._container:
            JobView(self._context, job, results)


class JobView:
    """The results of one finished job."""

    def __init__(self, context: StationContext, job: Job, results: JobResults) -> None:
        self._context, self._job, self._results = context, job, results
        self._at = 0
        text = context.text
        with ui.row().classes('w-full items-baseline'):
            ui.label(job.request.title).classes('station-heading grow break-words')
            ui.label(self._facts()).classes('tabular-nums')
        counted = ' · '.join(f'{label} {number}' for label, number in results.counts.items())
        ui.label(counted or text('nothing_yet')).classes('font-semibold').mark('job-counts')
        if results.images or results.videos:
            self._view = ui.element('before-after')
            self._view.props['label-before'] = text('before')
            self._view.props['label-after'] = text('after')
        if results.images:
            self._build_images()
        elif results.videos:
            self._build_video()
        self._build_downloads()
        self._build_table()

    def _facts(self) -> str:
        request, text = self._job.request, self._context.text
        facts = [Path(request.model).name] if request.model else []
        if request.model:
            facts += [f'{text("confidence")} {request.confidence:.2f}', f'IoU {request.iou:.2f}']
        if self._results.frames:
            facts.append(text('frames', number=self._results.frames))
        return ' · '.join(facts)

    def _address(self, side: str, name: str, query: str = '') -> str:
        return f'/jobs/{self._job.id}/{side}/{quote(name)}{query}'

    def _build_images(self) -> None:
        text, names = self._context.text, self._results.images
        with ui.row().classes('w-full items-center justify-center no-wrap'):
            back = ui.button(icon='chevron_left', on_click=lambda: self._turn_to(self._at - 1))
            back.props('flat').tooltip(text('previous'))
            self._name = ui.label().classes('font-bold truncate')
            on = ui.button(icon='chevron_right', on_click=lambda: self._turn_to(self._at + 1))
            on.props('flat').tooltip(text('next'))
            for button in (back, on):
                button.set_visibility(len(names) > 1)
            self._save = ui.button(icon='download').props('flat dense')
            self._save.tooltip(text('download_image'))
            self._save.on_click(
                lambda: ui.download(self._address('after', names[self._at], '?download=true'))
            )
        self._turn_to(0)

    def _turn_to(self, at: int) -> None:
        names = self._results.images
        self._at = at % len(names)
        name = names[self._at]
        query = f'?width={_VIEW_WIDTH}'
        before = f'{Path(self._job.request.source).name}/{Path(name).name}'
        self._view.props['src-after'] = self._address('after', name, query)
        self._view.props['src-before'] = self._address('before', before, query)
        self._name.set_text(f'{Path(name).name} ({self._at + 1} / {len(names)})')

    def _build_video(self) -> None:
        self._view.props['kind'] = 'video'
        if self._job.request.kind == 'video':
            self._view.props['src-before'] = self._address(
                'before', Path(self._job.request.source).name
            )
        names = self._results.videos
        self._show_video(names[0])
        if len(names) > 1:  # one per camera
            ui.select(list(names), value=names[0], on_change=lambda e: self._show_video(e.value))

    def _show_video(self, name: str) -> None:
        self._view.props['src-after'] = self._address('after', name)

    def _build_downloads(self) -> None:
        with ui.row().classes('w-full items-center gap-2'):
            ui.label(self._context.text('downloads')).classes('font-bold')
            archive = ui.button('ZIP', icon='folder_zip')
            archive.props(f'href=/jobs/{self._job.id}/zip')
            names = self._results.files
            for name in sorted(names, key=lambda one: list(_KINDS).index(Path(one).suffix)):
                path = Path(name)
                label = _KINDS[path.suffix]
                if path.stem not in ('detections', 'annotated'):
                    label += f' {path.stem}'
                button = ui.button(label, icon='download').props('outline')
                button.props['href'] = self._address('after', name, '?download=true')
                button.tooltip(name)

    def _build_table(self) -> None:
        text, results = self._context.text, self._results
        total = sum(results.counts.values())
        if total > SHOWN_ROWS:
            ui.label(text('rows_of', shown=SHOWN_ROWS, total=total))
        first = 'image' if results.images else 'time'
        columns = [
            {
                'name': name,
                'label': text(name),
                'field': 'time_s' if name == 'time' else name,
                'align': 'left' if name in ('image', 'class') else 'right',
                'sortable': True,
            }
            for name in (first, 'class', 'confidence', 'box', 'area')
        ]
        table = ui.table(columns=columns, rows=list(results.rows), row_key='number')
        table.classes('w-full max-h-96').props('dense flat virtual-scroll')
        table.props['no-data-label'] = text('nothing_yet')
        table.props['rows-per-page-options'] = [0]
        table.props['hide-bottom'] = True
        table.on('rowClick', self._show_row)

    def _show_row(self, event: GenericEventArguments) -> None:
        row = event.args[1]
        if self._results.images:
            names = [Path(name).name for name in self._results.images]
            if row['image'] in names:
                self._turn_to(names.index(row['image']))
        elif self._results.videos:
            self._view.props['at'] = row['time_s']
