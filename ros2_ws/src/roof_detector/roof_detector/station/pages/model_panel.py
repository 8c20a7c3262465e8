# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The panel with the loaded model and a control to load another one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nicegui import ui

from roof_detector.station.pages import file_drop

if TYPE_CHECKING:
    from roof_detector.station.context import StationContext

_HASH_DIGITS = 12
# Text key of each property, and its key in the detector's diagnostics.
_FACTS = {
    'model': 'model',
    'task': 'task',
    'classes': 'classes',
    'hash': 'model_sha256',
    'device': 'device',
    'backend': 'backend',
    'last_change': 'model_change',
}


def build(context: StationContext) -> None:
    """Build the properties of the model, from the detector's diagnostics, and the selection."""
    text = context.text
    ui.label(text('model')).classes('station-heading')
    values: dict[str, ui.label] = {}
    with ui.grid(columns='auto 1fr').classes('w-full gap-x-4 gap-y-1 model-facts'):
        for name in _FACTS:
            ui.label(text(name)).classes('text-weight-bold')
            values[name] = ui.label().classes('break-words').mark(f'model-{name}')
    choice = ui.select(
        context.models.choices,
        label=text('model_to_load'),
        with_input=True,
        new_value_mode='add-unique',
        key_generator=lambda path: path,
    ).classes('w-full')
    choice.tooltip(text('model_hint'))

    async def load() -> None:
        detector = context.bridge.detector('')
        if detector is None:
            response.text = text('no_detector')
        elif choice.value:
            response.text = await detector.parameters.set('model', choice.value)

    ui.button(text('load'), icon='swap_horiz', on_click=load).classes('w-full')
    response = ui.label().classes('text-negative break-words')
    file_drop.build(context, target='/models', label='drop_model', hint='drop_model_hint')

    def refresh() -> None:
        known = dict(choice.options) | context.models.choices
        if known != choice.options:
            choice.set_options(known)
        detector = context.bridge.detector('')
        report = None if detector is None else context.bridge.report(detector.name)
        facts = {} if report is None else report.values
        for name, key in _FACTS.items():
            values[name].text = _short(name, facts.get(key, ''))

    ui.timer(0.5, refresh)


def _short(name: str, fact: str) -> str:
    if name == 'hash':
        return fact[:_HASH_DIGITS]
    return Path(fact).name if name == 'model' else fact
