# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The panel of inspections, each of which opens for review beside a map."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nicegui import ui

from roof_detector.findings.errors import FindingsError
from roof_detector.findings.store_reader import open_reader
from roof_detector.station.pages import file_drop
from roof_detector.station.review.inspection_catalog import LIVE_WITHIN_S

if TYPE_CHECKING:
    from roof_detector.station.context import StationContext
    from roof_detector.station.review.inspection_catalog import ListedInspection

# The reason why one cannot be opened stands below its name.
_NAME = """
<q-td :props="props"><b>{{ props.value }}</b>
  <q-badge v-if="props.row.live" color="green-8" :label="props.row.live" class="q-ml-sm"/>
  <div v-if="props.row.reason" class="station-reason flight-damage">{{ props.row.reason }}</div>
</q-td>
"""
_SHOWN = 200


def build(context: StationContext) -> None:
    """Build the panel in the present container."""
    text = context.text
    counts: dict[object, tuple[object, dict[str, Any]]] = {}
    with ui.element('div').classes('grid grid-cols-1 xl:grid-cols-3 gap-3 w-full'):
        with ui.card().classes('station-card w-full xl:col-span-2'):
            ui.label(text('inspections')).classes('station-heading')
            ui.label(text('inspections_hint'))
            table = _table(context)
        with ui.card().classes('station-card w-full'):
            file_drop.build(
                context,
                target='/inspections',
                label='drop_inspection',
                hint='drop_inspection_hint',
            )

    def rows() -> list[dict[str, Any]]:
        found = []
        for one in context.boards.catalog.listed()[:_SHOWN]:
            signature = one.signature
            known = counts.get(one.path)
            if known is None or known[0] != signature:
                known = counts[one.path] = (signature, _counts(one))
            found.append(_row(context, one, known[1]))
        return found

    async def refresh() -> None:
        found = await asyncio.to_thread(rows)
        if table.rows != found:
            table.rows = found

    ui.timer(2.0, refresh)


def _table(context: StationContext) -> ui.table:
    names = ('name', 'findings_count', 'changed', 'actions')
    columns: list[dict[str, Any]] = [
        {
            'name': name,
            'label': '' if name == 'actions' else context.text(name),
            'field': name,
            'align': 'left' if name == 'name' else 'right',
        }
        for name in names
    ]
    table = ui.table(columns=columns, rows=[], row_key='address').classes('w-full')
    table.mark('inspections').props('flat hide-bottom wrap-cells')
    table.props['rows-per-page-options'] = [0]
    table.props['no-data-label'] = context.text('no_inspections')
    table.add_slot('body-cell-name', _NAME)
    review = context.text('review')
    table.add_slot(
        'body-cell-actions',
        '<q-td :props="props"><q-btn color="blue-8" icon="map" :href="props.row.address" '
        f'label="{review}" no-caps/></q-td>',
    )
    return table


def _counts(one: ListedInspection) -> dict[str, Any]:
    """Return how many findings and decisions there are, or why that is not known."""
    try:
        with open_reader(one.path) as reader:
            ((findings, decisions),) = reader.rows(
                'SELECT (SELECT count(*) FROM findings), (SELECT count(*) FROM decisions)'
            )
    except FindingsError as error:
        return {'reason': str(error).replace(str(one.path), one.name)}
    return {'findings': findings, 'decisions': decisions}


def _row(context: StationContext, one: ListedInspection, counts: dict[str, Any]) -> dict[str, Any]:
    changed = datetime.fromtimestamp(one.changed_at_s).astimezone()
    is_live = time.time() - one.changed_at_s < LIVE_WITHIN_S
    return {
        'name': _title(context, one),
        'address': one.address,
        'findings_count': counts.get('findings', ''),
        'changed': f'{changed:%Y-%m-%d %H:%M}',
        'reason': counts.get('reason', ''),
        'live': context.text('live_inspection') if is_live else '',
    }


def _title(context: StationContext, one: ListedInspection) -> str:
    """Return the name of an inspection, that of the job which made it."""
    jobs = {job.id: job.request.title for job in context.queue.jobs}
    return jobs.get(one.name, one.name) if one.group == 'results' else one.name
