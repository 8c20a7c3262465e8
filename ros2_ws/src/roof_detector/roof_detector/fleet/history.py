# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What became of each object of a site, from flight to flight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import shapely

from roof_detector.findings.changes import ChangeKind, changes
from roof_detector.findings.roof_finding import FindingState
from roof_detector.fleet.store_schema import GEOMETRY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roof_detector.findings.changes import Change, Inspected
    from roof_detector.findings.roof_finding import RoofFinding

FIRST = 'first seen'


@dataclass(frozen=True, eq=False)
class DatedInspection:
    """An inspection of a site with its flight and date."""

    flight_id: str
    date: str
    inspected: Inspected


@dataclass
class _SiteObject:
    """An object with the flight in which it was last seen, and as which finding."""

    object_id: str
    first_date: str
    flight: int
    finding: RoofFinding
    is_gone: bool = False


def history_rows(inspections: Sequence[DatedInspection]) -> list[dict[str, Any]]:
    """Return a row for each object and flight, of the inspections of one site in their order.

    Each flight is compared with the ones in which objects were last seen, the latest first. An
    object that is gone has no more rows, unless it is seen again: then it is the same object.
    """
    objects: list[_SiteObject] = []
    rows: list[dict[str, Any]] = []
    for number, new in enumerate(inspections):
        claimed: set[str] = set()
        found: list[dict[str, Any]] = []
        for earlier in sorted({one.flight for one in objects}, reverse=True):
            old = inspections[earlier]
            compared, _ = changes(old.inspected, new.inspected)
            by_old = {str(one.old.uuid): one for one in compared if one.old is not None}
            for thing in [one for one in objects if one.flight == earlier]:
                change = by_old.get(str(thing.finding.uuid))
                seen = None if change is None else change.new
                if seen is not None and str(seen.uuid) in claimed:
                    seen = change = None
                if change is None and thing.is_gone:
                    continue
                if seen is not None:
                    claimed.add(str(seen.uuid))
                    found.append(_row(new, thing, change, seen, old))
                    thing.flight, thing.finding, thing.is_gone = number, seen, False
                elif not thing.is_gone:
                    found.append(_row(new, thing, change, None, old))
                    thing.is_gone = change is not None and change.kind is ChangeKind.GONE
        appeared = {}
        if number:
            compared, _ = changes(inspections[number - 1].inspected, new.inspected)
            appeared = {str(c.new.uuid): c for c in compared if c.new is not None and not c.old}
        for finding in _reported(new.inspected):
            if str(finding.uuid) in claimed:
                continue
            object_id = f'{new.flight_id}/{finding.uuid}'
            thing = _SiteObject(object_id, new.date, number, finding)
            objects.append(thing)
            before = inspections[number - 1] if number else None
            found.append(_row(new, thing, appeared.get(str(finding.uuid)), finding, before))
        rows += sorted(found, key=lambda row: row['object_id'])
    return rows


def _reported(inspected: Inspected) -> list[RoofFinding]:
    return sorted(inspected.reported(), key=lambda one: one.number)


def _row(
    new: DatedInspection,
    thing: _SiteObject,
    change: Change | None,
    seen: RoofFinding | None,
    old: DatedInspection | None,
) -> dict[str, Any]:
    known = thing.finding if seen is None else seen
    if change is not None:
        kind, reason = change.kind.value, change.reason
    elif seen is not None:
        kind, reason = FIRST, 'No earlier flight of the site has it.'
    else:
        kind = ChangeKind.NOT_SEEN.value
        reason = 'Neither of the two flights reports it.'
    row: dict[str, Any] = {
        'object_id': thing.object_id,
        'date': new.date,
        'flight_id': new.flight_id,
        'class': known.class_name,
        'change': kind,
        'compared_with': None if old is None else old.flight_id,
        'reason': reason,
        'first_date': thing.first_date,
    }
    if known.place is not None:
        row['longitude_deg'] = known.place.longitude_deg
        row['latitude_deg'] = known.place.latitude_deg
        row[GEOMETRY] = shapely.to_wkb(
            shapely.Point(known.place.longitude_deg, known.place.latitude_deg)
        )
    if seen is not None:
        row |= {
            'uuid': str(seen.uuid),
            'number': seen.number,
            'state': seen.state.value,
            'severity': seen.severity,
        }
        if seen.size is not None:
            row |= {
                'area_m2': seen.size.area_m2,
                'area_error_m2': seen.size.area_error_m2,
                'length_m': seen.size.length_m,
            }
    elif change is not None and change.kind is ChangeKind.GONE:
        row['state'] = FindingState.GONE.value
    return row
