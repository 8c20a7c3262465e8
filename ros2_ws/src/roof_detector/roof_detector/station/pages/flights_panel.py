# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The panel of recorded flights, which can be processed, exported, downloaded and deleted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nicegui import ui

from roof_detector.results.formats import FORMATS
from roof_detector.station.flight_store import FlightState, RecordedFlight
from roof_detector.station.jobs.job import DEFAULT_FORMATS, JobKind
from roof_detector.station.pages.confirmation import confirmed
from roof_detector.station.pages.job_options import JobOptions
from roof_detector.station.pages.job_row import clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from nicegui.events import GenericEventArguments

    from roof_detector.station.context import StationContext

_STATES = {
    FlightState.RECORDING: ('flight_recording', 'red-8'),
    FlightState.CUT_OFF: ('flight_cut_off', 'orange-9'),
    FlightState.COMPLETE: ('flight_complete', 'green-8'),
}
_BADGE = """
<q-td :props="props"><q-badge :color="props.row.colour" :label="props.value"
  style="font-size: 0.9rem; padding: 5px 8px"/></q-td>
"""
# A damaged flight shows what cannot be read below its name.
_NAME = """
<q-td :props="props">{{ props.value }}
  <div v-if="props.row.damage" class="station-reason flight-damage">{{ props.row.damage }}</div>
</q-td>
"""
_BUTTONS = {
    'inspect': 'fact_check',
    'process': 'play_circle',
    'export': 'file_download',
    'download': 'folder_zip',
    'check': 'fact_check',
    'delete': 'delete',
}


def build(context: StationContext, *, on_queued: Callable[[], object]) -> None:
    """Build the panel; `on_queued` is called when a flight is queued as a job."""
    text = context.text
    checks = asyncio.Semaphore(1)  # reading a bag keeps the disk busy
    with ui.element('div').classes('grid grid-cols-1 xl:grid-cols-3 gap-3 w-full'):
        with ui.card().classes('station-card w-full xl:col-span-2'):
            ui.label(text('flights')).classes('station-heading')
            where = ui.label().classes('break-words')
            table = _table(context)
        with ui.card().classes('station-card w-full'):
            ui.label(text('processing')).classes('station-heading')
            ui.label(text('processing_hint'))
            options = JobOptions(context)
            formats = (
                ui.select(
                    list(FORMATS),
                    multiple=True,
                    value=list(DEFAULT_FORMATS['flight']),
                    label=text('formats'),
                )
                .props('use-chips')
                .classes('w-full')
            )
            height = ui.number(text('flight_height'), min=0, step=1).classes('w-full')
            height.tooltip(text('flight_height_tip'))

    async def refresh() -> None:
        options.update()
        where.set_text(str(context.flights.folder))
        rows = [_row(context, one) for one in await asyncio.to_thread(context.flights.flights)]
        if table.rows != rows:
            table.rows = rows

    def queue(event: GenericEventArguments, kind: JobKind) -> None:
        flight = context.flights.flight(event.args)
        request = options.request(
            kind, title=flight.name, source=flight.path, formats=tuple(formats.value)
        )
        if kind == 'inspect':
            request = replace(request, formats=(), flight_height_m=height.value or 0.0)
        context.queue.add(request)
        on_queued()

    async def check(event: GenericEventArguments) -> None:
        async with checks:
            damage = await asyncio.to_thread(context.flights.check, event.args)
        if not damage:
            ui.notify(text('no_damage', name=event.args), type='positive')
        await refresh()

    async def delete(event: GenericEventArguments) -> None:
        question = text('delete_flight', name=event.args)
        if await confirmed(context, question):
            context.queue.check_unused(context.flights.flight(event.args).path)
            await asyncio.to_thread(context.flights.delete, event.args)
            await refresh()

    table.on('inspect', lambda event: queue(event, 'inspect'))
    table.on('process', lambda event: queue(event, 'flight'))
    table.on('export', lambda event: queue(event, 'export'))
    table.on('download', lambda event: ui.download(f'/flights/{quote(event.args, safe="")}/zip'))
    table.on('check', check)
    table.on('delete', delete)
    ui.timer(2.0, refresh)


def _table(context: StationContext) -> ui.table:
    names = ('began', 'name', 'duration', 'size', 'state', 'actions')
    columns: list[dict[str, Any]] = [
        {
            'name': name,
            'label': '' if name == 'actions' else context.text(name),
            'field': name,
            'align': 'right' if name in ('duration', 'size', 'actions') else 'left',
        }
        for name in names
    ]
    table = (
        ui.table(columns=columns, rows=[], row_key='name')
        .classes('w-full flights-table')
        .mark('flights')
    )
    table.props('flat hide-bottom').props['rows-per-page-options'] = [0]
    table.props['no-data-label'] = context.text('no_flights')
    table.add_slot('body-cell-name', _NAME)
    table.add_slot('body-cell-state', _BADGE)
    buttons = ''.join(_button(name, context.text(name)) for name in _BUTTONS)
    table.add_slot('body-cell-actions', f'<q-td :props="props">{buttons}</q-td>')
    return table


def _button(name: str, label: str) -> str:
    # A flight that is being recorded can neither be deleted nor processed.
    disabled = '' if name == 'download' else ':disable="props.row.is_recording"'
    return (
        f'<q-btn flat dense icon="{_BUTTONS[name]}" aria-label="{label}" {disabled} '
        f'@click="$parent.$emit(\'{name}\', props.row.name)">'
        f'<q-tooltip>{label}</q-tooltip></q-btn>'
    )


def _row(context: StationContext, flight: RecordedFlight) -> dict[str, Any]:
    key, colour = _STATES[flight.state]
    began = datetime.fromtimestamp(flight.began_at_s).astimezone()
    state = context.text(key)
    if flight.is_kept:
        state += ' · ' + context.text('kept')
    if flight.damage:
        state, colour = state + ' · ' + context.text('damaged'), 'red-8'
    return {
        'name': flight.name,
        'began': f'{began:%Y-%m-%d %H:%M}',
        'duration': '' if flight.duration_s is None else clock(flight.duration_s),
        'size': f'{flight.size_bytes / 1e6:,.1f} MB',
        'state': state,
        'colour': colour,
        'damage': ' '.join(flight.damage or ()),
        'is_recording': flight.state == FlightState.RECORDING,
    }
