# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Buttons to record, mark and trigger, and the state of the recorder."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from nicegui import ui

from roof_detector.station.recorder_link import RecorderLink

if TYPE_CHECKING:
    from roof_detector.station.context import StationContext

Act = Callable[[RecorderLink], Awaitable[str]]


class RecordBar:
    """The recorder's buttons in the header; keyboard shortcuts call the same methods."""

    def __init__(self, context: StationContext) -> None:
        """Build the buttons in the present container."""
        self._context = context
        text = context.text
        self._state = ui.badge(text('no_recorder'), color='grey-7').mark('recording')
        self._state.classes('station-recording')
        self._record = ui.button(text('record'), icon='fiber_manual_record', color='red-8')
        self._record.on_click(self.start_or_stop).mark('record')
        self._note = ui.input(text('note')).props('dense dark filled').classes('station-note')
        self._note.on('keydown.enter', self.mark)
        mark = ui.button(text('mark'), icon='flag', on_click=self.mark)
        mark.props('color=blue-8').tooltip(text('key_mark'))
        self._box = ui.button(text('black_box'), icon='history', on_click=self.trigger)
        self._box.props('color=deep-purple-7').tooltip(text('black_box_tip'))
        ui.timer(0.5, self._refresh)

    @property
    def _values(self) -> dict[str, str]:
        recorder = self._context.bridge.recorder
        report = None if recorder is None else self._context.bridge.report(recorder.name)
        return {} if report is None or report.level == 3 else report.values

    async def start_or_stop(self) -> None:
        """Start or stop a bag."""
        if self._values.get('recording') == 'true':
            await self._do(RecorderLink.stop, 'recording_ended')
        else:
            await self._do(RecorderLink.start, 'recording_began')

    async def mark(self) -> None:
        """Mark this moment with the text of the note field."""
        note = self._note.value or self._context.text('mark')
        await self._do(lambda recorder: recorder.mark(note), 'marked')
        self._note.set_value('')

    async def trigger(self) -> None:
        """Trigger the black box."""
        await self._do(RecorderLink.trigger, 'triggered')

    async def _do(self, act: Act, done: str) -> None:
        recorder, text = self._context.bridge.recorder, self._context.text
        reason = text('no_recorder') if recorder is None else await act(recorder)
        ui.notify(reason or text(done), type='negative' if reason else 'positive')

    def _refresh(self) -> None:
        text, values = self._context.text, self._values
        is_recording = values.get('recording') == 'true'
        self._record.set_text(text('stop' if is_recording else 'record'))
        self._record.set_icon('stop' if is_recording else 'fiber_manual_record')
        self._box.set_visibility(values.get('black_box', 'off') != 'off')
        if not values:
            self._state.set_text(text('no_recorder'))
            self._state.props('color=grey-7')
            return
        state = text('recording' if is_recording else 'not_recording')
        free = text('free', free_gb=values.get('free_gb', '?'))
        size = (
            f' {int(values["bytes"]) / 1e6:.1f} MB' if is_recording and 'bytes' in values else ''
        )
        self._state.set_text(f'{state}{size} · {free}')
        self._state.props(f'color={"red-8" if is_recording else "blue-grey-8"}')
