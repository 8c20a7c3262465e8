# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The page: a header, a tab for each thing to do, and the drawers beside it."""

from __future__ import annotations

from nicegui import ui

from roof_detector.station.context import StationContext
from roof_detector.station.pages import (
    files_panel,
    flights_panel,
    live_panel,
    model_panel,
    tune_panel,
)


def build(context: StationContext) -> None:
    """Build one client's page."""
    text = context.text
    with ui.header(), ui.tabs() as tabs:
        ui.tab('live', text('live'))
        ui.tab('files', text('files'))
        ui.tab('flights', text('flights'))
    with ui.tab_panels(tabs, value='live').classes('w-full'):
        with ui.tab_panel('live'):
            live_panel.build(context)
        with ui.tab_panel('files'):
            files_panel.build(context)
        with ui.tab_panel('flights'):
            flights_panel.build(context)
    with ui.right_drawer():
        tune_panel.build(context)
        model_panel.build(context)
