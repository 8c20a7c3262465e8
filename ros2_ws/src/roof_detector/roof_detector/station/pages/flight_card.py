# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Tables of the findings of the present frame and of the whole flight."""

from __future__ import annotations

import asyncio
import operator
from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nicegui import ui

from roof_detector.findings.errors import FindingsError
from roof_detector.station.box_text import box_text
from roof_detector.station.errors import StationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from roof_detector.station.camera_link import CameraLink
    from roof_detector.station.context import StationContext
    from roof_detector.station.finding import LiveFinding
    from roof_detector.station.flight_log import FlightLog
    from roof_detector.station.review.inspection_catalog import ListedInspection

# A thousand rows would fill a slow link at each update.
_SHOWN_ROWS = 100
_ORDERS: dict[str, Callable[[LiveFinding], Any]] = {
    'newest': operator.attrgetter('number'),
    'confidence': operator.attrgetter('confidence'),
    'area': operator.attrgetter('area_px'),
    'class': operator.attrgetter('label'),
}
_OBJECT_ORDERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    'newest': lambda row: (-row['last_ms'], row['n']),
    'confidence': lambda row: (-(row['p'] or 0), row['n']),
    'area': lambda row: (-(row.get('size') or [0, 0, 0])[2], row['n']),
    'class': lambda row: (row['class'], row['n']),
}
_WIDE_COLUMNS = ('box', 'area')  # a phone has no room for them
_THUMBNAIL = """
<q-td :props="props"><img v-if="props.value" :key="props.value" :src="props.value" alt=""
  onerror="this.style.visibility = 'hidden'" loading="lazy" class="station-thumbnail"></q-td>
"""


def build_current(context: StationContext, camera: Callable[[], CameraLink | None]) -> None:
    """Build the table of the present frame."""
    with ui.card().classes('station-card frame-card w-full'):
        ui.label(context.text('this_frame')).classes('station-heading')
        table = _table(context, ('class', 'confidence', 'box')).props('hide-bottom wrap-cells')

    def refresh() -> None:
        link = camera()
        if link is not None:
            _show(table, [_row(one, link.log) for one in link.log.current])

    ui.timer(0.5, refresh)


def build(context: StationContext, camera: Callable[[], CameraLink | None]) -> None:
    """Build the table of the flight, with counts per class above it.

    While an inspector writes an inspection, each object is listed once; else every detection.
    """
    text = context.text
    with ui.card().classes('station-card flight-card w-full'):
        with ui.element('div').classes('flight-controls'):
            ui.label(text('this_flight')).classes('station-heading')
            wanted = ui.select([], multiple=True, label=text('classes'))
            order = ui.select(
                {key: text(key) for key in _ORDERS}, value='newest', label=text('order')
            )
            minimum = ui.number(text('min_confidence'), value=0, min=0, max=1, step=0.05)
            frozen = ui.switch(text('freeze')).mark('freeze')
        counts = ui.label().classes('font-semibold').mark('counts')
        with ui.row().classes('w-full items-center justify-between no-wrap'):
            summary = ui.label().mark('summary')
            review = ui.button(text('review'), icon='map').props('no-caps color=blue-8 href=/')
            review.set_visibility(False)
        table = _table(
            context, ('thumbnail', 'class', 'confidence', 'box', 'area', 'time')
        ).classes('max-h-96')
        objects = _table(
            context, ('thumbnail', 'number', 'class', 'state', 'confidence', 'sightings', 'time')
        ).classes('max-h-96')
        objects.mark('objects').set_visibility(False)

    def show_counts(counted: dict[str, int]) -> None:
        counts.set_text(' · '.join(f'{label} {number}' for label, number in counted.items()))
        if wanted.options != list(counted):
            wanted.set_options(list(counted))

    async def refresh() -> None:
        if frozen.value:
            return
        try:
            found = await asyncio.to_thread(_live_rows, context)
        except (StationError, FindingsError):  # a program writes to it, or it has just ended
            if objects.visible:
                return
            found = None
        if frozen.value:  # meanwhile
            return
        objects.set_visibility(found is not None)
        table.set_visibility(found is None)
        review.set_visibility(found is not None)
        if found is not None:
            live, rows = found
            if review.props['href'] != live.address:
                review.props['href'] = live.address
            kept = _kept_objects(rows, wanted.value, minimum.value or 0, order.value)
            counted = Counter(row['class'] for row in rows)
            show_counts(dict(sorted(counted.items())))
            summary.set_text(text('each_once', name=live.name))
            _show(objects, [_object_row(context, live, row) for row in kept[:_SHOWN_ROWS]])
            return
        link = camera()
        if link is None:
            return
        show_counts(dict(sorted(link.log.counts.items())))
        matching = [
            one
            for one in list(link.log.findings)
            if (not wanted.value or one.label in wanted.value)
            and one.confidence >= (minimum.value or 0)
        ]
        matching.sort(key=_ORDERS[order.value], reverse=order.value != 'class')
        shown = matching[:_SHOWN_ROWS]
        summary.set_text(
            text('rows', shown=len(shown), matching=len(matching), dropped=link.log.dropped)
        )
        _show(table, [_row(one, link.log) for one in shown])

    ui.timer(1.0, refresh)


def _table(context: StationContext, names: tuple[str, ...]) -> ui.table:
    columns = [
        {
            'name': name,
            'label': '' if name == 'thumbnail' else context.text(name),
            'field': name,
            'align': 'left' if name in ('class', 'state') else 'right',
            'classes': 'above-phone' if name in _WIDE_COLUMNS else '',
            'headerClasses': 'above-phone' if name in _WIDE_COLUMNS else '',
        }
        for name in names
    ]
    table = ui.table(columns=columns, rows=[], row_key='number').classes('w-full')
    table.props('dense flat virtual-scroll').props['no-data-label'] = context.text('nothing_yet')
    if 'thumbnail' in names:
        table.add_slot('body-cell-thumbnail', _THUMBNAIL)
    return table


def _show(table: ui.table, rows: list[dict[str, Any]]) -> None:
    if table.rows != rows:  # saves traffic
        table.rows = rows


def _row(finding: LiveFinding, log: FlightLog) -> dict[str, Any]:
    moment = datetime.fromtimestamp(finding.stamp_ns / 1e9, tz=timezone.utc).astimezone()
    address = f'/thumbnail?camera={quote(finding.camera, safe="")}&number={finding.number}'
    return {
        'number': finding.number,
        'thumbnail': address if log.thumbnail(finding.number) else '',
        'class': finding.label,
        'confidence': f'{finding.confidence:.2f}',
        'box': box_text(finding.box_xyxy),
        'area': f'{finding.area_px:,.0f}',
        'time': f'{moment:%H:%M:%S}.{moment.microsecond // 100_000}',
    }


def _live_rows(
    context: StationContext,
) -> tuple[ListedInspection, list[dict[str, Any]]] | None:
    """Return the inspection that is being written, and its findings without the rejected ones."""
    live = context.boards.catalog.live()
    if live is None:
        return None
    rows = context.boards.find(live.group, live.name).rows()
    return live, [row for row in rows if row['state'] != 'rejected']


def _kept_objects(
    rows: list[dict[str, Any]], classes: list[str], minimum: float, order: str
) -> list[dict[str, Any]]:
    kept = [
        row
        for row in rows
        if (not classes or row['class'] in classes) and (row['p'] or 0) >= minimum
    ]
    return sorted(kept, key=_OBJECT_ORDERS[order])


def _object_row(
    context: StationContext, live: ListedInspection, row: dict[str, Any]
) -> dict[str, Any]:
    moment = datetime.fromtimestamp(row['last_ms'] / 1e3, tz=timezone.utc).astimezone()
    return {
        'thumbnail': f'{live.address}/thumbnail/{row["n"]}?of={row["uuid"]}.{row["shown"]}',
        'number': row['n'],
        'class': row['class'],
        'state': context.text(f'review_state_{row["state"]}'),
        'confidence': f'{row["p"] or 0:.2f}',
        'sightings': row['sightings'],
        'time': f'{moment:%H:%M:%S}',
    }
