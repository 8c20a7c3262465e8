# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The page: a header, tabs, and a drawer with the model and the parameters."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from nicegui import ui

from roof_detector.station.errors import StationError
from roof_detector.station.pages import (
    files_panel,
    flights_panel,
    inspections_panel,
    live_panel,
    model_panel,
    tune_panel,
)
from roof_detector.station.pages.record_bar import RecordBar

if TYPE_CHECKING:
    from collections.abc import Callable

    from nicegui.events import KeyEventArguments, ValueChangeEventArguments

    from roof_detector.station.context import StationContext

_TABS = {
    'live': 'videocam',
    'files': 'perm_media',
    'flights': 'flight',
    'inspections': 'fact_check',
}
_HEAD = """
<link rel="stylesheet" href="/station/station.css">
<script src="/station/live_video.js" defer></script>
<script src="/station/file_drop.js" defer></script>
<script src="/station/before_after.js" defer></script>
"""


def build(context: StationContext, tab: str = '') -> None:
    """Build the page of one client, which shows the tab of a name, or the first one."""
    text = context.text
    ui.add_head_html(_HEAD)
    if context.branding.background:
        ui.query('body').style('background: url(/background) center/cover fixed')
    dark = ui.dark_mode(context.branding.dark)
    with ui.header().classes('station-header items-center'):
        if context.branding.logo:
            ui.image('/logo').props('fit=contain').classes('h-10 w-16')
        ui.label(context.branding.title or text('title')).classes('station-title')
        with ui.tabs().props('dense inline-label') as tabs:
            for name, icon in _TABS.items():
                ui.tab(name, label=text(name), icon=icon)
        ui.space()
        bar = RecordBar(context)
        drawer_button = _icon_button('tune', text('tune'))
        _icon_button('contrast', text('dark_or_light')).on_click(dark.toggle)
        shortcuts = _shortcuts(context)
        _icon_button('keyboard', text('shortcuts')).classes('keys-only').on_click(shortcuts.open)
    # Closed at first: the model and the thresholds are one click away, the video is what counts.
    with ui.right_drawer(value=False).props('width=380 bordered') as drawer:
        with ui.row().classes('w-full items-center justify-end below-tablet'):
            _icon_button('close', text('close')).on_click(drawer.hide)
        model_panel.build(context)
        ui.separator()
        tune_panel.build(context)
    drawer_button.on_click(drawer.toggle)
    shown = tab if tab in _TABS else next(iter(_TABS))
    with ui.tab_panels(tabs, value=shown, animated=False).classes('w-full'):
        with ui.tab_panel('live'):
            live_panel.build(context)
        with ui.tab_panel('files'):
            files_panel.build(context)
        with ui.tab_panel('flights'):
            flights_panel.build(context, on_queued=lambda: tabs.set_value('files'))
        with ui.tab_panel('inspections'):
            inspections_panel.build(context)
    tabs.on_value_change(_keep_in_address)

    ui.keyboard(on_key=_Keys(shortcuts, tabs, dark, drawer, bar).on_key)
    ui.on_exception(_show_refusal)


class _Keys:
    """What each key does."""

    def __init__(
        self,
        shortcuts: ui.dialog,
        tabs: ui.tabs,
        dark: ui.dark_mode,
        drawer: ui.right_drawer,
        bar: RecordBar,
    ) -> None:
        self._tabs = tabs
        self._actions: dict[str, Callable[[], Any]] = {
            '?': shortcuts.open,
            'd': dark.toggle,
            't': drawer.toggle,
            'r': bar.start_or_stop,
            'm': bar.mark,
            'b': bar.trigger,
        }

    async def on_key(self, event: KeyEventArguments) -> None:
        """Do what the pressed key stands for."""
        if not event.action.keydown or event.action.repeat or event.modifiers.ctrl:
            return
        key = event.key.name
        if key.isdecimal() and 0 < int(key) <= len(_TABS):
            self._tabs.set_value(list(_TABS)[int(key) - 1])
        elif key in self._actions:
            done = self._actions[key]()
            if inspect.isawaitable(done):
                await done


def _icon_button(icon: str, meaning: str) -> ui.button:
    button = ui.button(icon=icon).props('flat color=white').tooltip(meaning)
    return button.props(f'aria-label="{meaning}"')


def _keep_in_address(event: ValueChangeEventArguments[Any]) -> None:
    """Have a page that loads again, as after a lost link, show the tab that it shows now."""
    if event.value in _TABS:
        ui.run_javascript(f"history.replaceState(null, '', '?tab={event.value}')")


def _show_refusal(error: Exception) -> None:
    """Show refusals of the station, such as of a job that another page has deleted."""
    if isinstance(error, StationError):
        ui.notify(str(error), type='negative')


def _shortcuts(context: StationContext) -> ui.dialog:
    text = context.text
    keys = {
        'R': text('key_record'),
        'M': text('key_mark'),
        'B': text('key_trigger'),
        '1 2 3 4': text('key_tabs'),
        'T': text('key_tune'),
        'D': text('dark_or_light'),
        '?': text('shortcuts'),
    }
    with ui.dialog() as dialog, ui.card():
        ui.label(text('shortcuts')).classes('station-heading')
        with ui.grid(columns='auto auto').classes('gap-x-6 gap-y-2'):
            for key, meaning in keys.items():
                ui.label(key).classes('font-bold')
                ui.label(meaning)
    return dialog
