# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The changes between two inspections as a CSV table."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from roof_detector.results.atomic_output import AtomicOutput
from roof_detector.results.errors import export_errors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from roof_detector.findings.changes import Change

# Programs read this file: columns may be added at the end, never renamed or moved.
COLUMNS = (
    *('change', 'class', 'old_number', 'new_number', 'latitude_deg', 'longitude_deg'),
    *('old_area_m2', 'new_area_m2', 'reason'),
)


def write_changes(path: Path, changes: Sequence[Change]) -> None:
    """Write a row for each change; it replaces an earlier file; raise ExportError."""
    with export_errors(path):
        output = AtomicOutput(path, overwrite=True)
        with output.part.open('w', encoding='utf-8', newline='') as file:
            table = csv.writer(file, dialect='excel')
            table.writerow(COLUMNS)
            for one in changes:
                table.writerow(_row(one))
        output.finish()


def _row(change: Change) -> list[object]:
    finding = change.new or change.old
    assert finding is not None
    place = finding.place
    sizes = [None if end is None else end.size for end in (change.old, change.new)]
    return [
        change.kind.value,
        finding.class_name,
        *(None if end is None else end.number for end in (change.old, change.new)),
        *((None, None) if place is None else (place.latitude_deg, place.longitude_deg)),
        *(None if size is None else round(size.area_m2, 3) for size in sizes),
        change.reason,
    ]
