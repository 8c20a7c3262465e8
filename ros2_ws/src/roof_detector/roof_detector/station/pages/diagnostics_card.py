# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The diagnostics of all nodes, coloured by level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

if TYPE_CHECKING:
    from roof_detector.station.context import StationContext

_LEVELS = ('ok', 'warning', 'error', 'stale')
_COLOURS = ('green-8', 'orange-9', 'red-8', 'grey-7')
_BADGE = """
<q-td :props="props"><q-badge :color="props.row.colour" :label="props.value"
  style="font-size: 0.9rem; padding: 5px 8px"/></q-td>
"""


def build(context: StationContext) -> None:
    """Build the table with one row per status."""
    text = context.text
    columns = [
        {'name': name, 'label': text(name), 'field': name, 'align': 'left'}
        for name in ('state', 'node', 'message')
    ]
    with ui.card().classes('station-card w-full'):
        ui.label(text('diagnostics')).classes('station-heading')
        table = ui.table(columns=columns, rows=[], row_key='node').classes('w-full')
        table.props('dense flat hide-bottom wrap-cells')
        table.add_slot('body-cell-state', _BADGE)

    def refresh() -> None:
        rows = [
            {
                'node': report.name,
                'state': text(_LEVELS[min(report.level, 3)]),
                'colour': _COLOURS[min(report.level, 3)],
                'message': report.message,
            }
            for report in context.bridge.diagnostics
        ]
        if table.rows != rows:
            table.rows = rows

    ui.timer(1.0, refresh)
