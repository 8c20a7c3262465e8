# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The dialog that asks before something is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

if TYPE_CHECKING:
    from roof_detector.station.context import StationContext


async def confirmed(context: StationContext, question: str) -> bool:
    """Ask whether to delete something for good; return the answer."""
    text = context.text
    # The button that asks may be removed in the meantime, as when a list is rebuilt.
    with ui.context.client, ui.dialog() as dialog, ui.card().classes('station-card'):
        ui.label(question).classes('text-lg break-words')
        with ui.row().classes('w-full justify-end'):
            ui.button(text('keep'), on_click=lambda: dialog.submit('keep')).props('flat')
            ui.button(text('delete'), on_click=lambda: dialog.submit('delete')).props(
                'color=red-8'
            )
    answer = await dialog
    dialog.delete()
    return bool(answer == 'delete')
