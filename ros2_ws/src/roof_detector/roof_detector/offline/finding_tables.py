# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Findings as a CSV table, an Excel workbook and GeoJSON."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

from xlsxwriter import Workbook

from roof_detector.inputs.input_files import readable
from roof_detector.results.atomic_output import AtomicOutput
from roof_detector.results.errors import export_errors
from roof_detector.results.text import iso_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from roof_detector.findings.roof_finding import RoofFinding

Row = dict[str, Any]
# Programs read these files: columns may be added at the end, never renamed or moved.
COLUMNS = (
    *('number', 'uuid', 'class', 'class_probability', 'existence', 'state', 'decided', 'outside'),
    *('latitude_deg', 'longitude_deg', 'radius95_m', 'height_m'),
    *('length_m', 'width_m', 'side_error_m', 'area_m2', 'area_error_m2', 'area_from_mask'),
    *('sightings', 'looks', 'opportunities', 'first_seen', 'last_seen', 'flights', 'tracks'),
    *('best_source', 'best_topic', 'best_frame', 'best_name', 'best_box_px', 'best_confidence'),
    *('best_metres_per_pixel', 'note'),
)
_DECIMALS = {'latitude_deg': 8, 'longitude_deg': 8, 'existence': 4, 'class_probability': 4}
_OTHER_DECIMALS = 3


def row_of(finding: RoofFinding) -> Row:
    """Return the values of `COLUMNS` of a finding, None where they are not known."""
    place, size, best = finding.place, finding.size, finding.best
    row: Row = dict.fromkeys(COLUMNS)
    row |= {
        'number': finding.number,
        'uuid': str(finding.uuid),
        'class': readable(finding.class_name),
        'class_probability': finding.class_probability,
        'existence': finding.existence,
        'state': finding.state.value,
        'decided': finding.decided,
        'outside': finding.is_outside,
        'sightings': finding.sightings,
        'looks': finding.looks,
        'opportunities': finding.opportunities,
        'first_seen': iso_time(finding.first_seen_ns) or finding.first_seen_ns / 1e9,
        'last_seen': iso_time(finding.last_seen_ns) or finding.last_seen_ns / 1e9,
        'flights': ' '.join(map(readable, finding.flights)),
        'tracks': ' '.join(map(readable, finding.tracks)),
        'best_source': readable(best.frame.source),
        'best_topic': readable(best.frame.topic),
        'best_frame': best.frame.index,
        'best_name': readable(best.frame.name),
        'best_box_px': ' '.join(f'{number:.1f}' for number in best.box_xyxy),
        'best_confidence': best.confidence,
        'note': readable(finding.note),
    }
    if place is not None:
        row |= {
            'latitude_deg': place.latitude_deg,
            'longitude_deg': place.longitude_deg,
            'radius95_m': place.radius95_m,
            'height_m': place.height_m,
            'best_metres_per_pixel': best.metres_per_pixel,
        }
    if size is not None:
        row |= {
            'length_m': size.length_m,
            'width_m': size.width_m,
            'side_error_m': size.side_error_m,
            'area_m2': size.area_m2,
            'area_error_m2': size.area_error_m2,
            'area_from_mask': size.is_from_mask,
        }
    return {name: _rounded(name, value) for name, value in row.items()}


def write_tables(
    folder: Path, findings: Sequence[RoofFinding], settings: Mapping[str, object]
) -> tuple[Path, ...]:
    """Write findings.csv, findings.xlsx and findings.geojson; raise ExportError.

    Each appears when it is complete and replaces an earlier one.
    """
    rows = [row_of(finding) for finding in findings]
    paths = []
    for name, write in (
        ('findings.csv', lambda path: _write_csv(path, rows)),
        ('findings.xlsx', lambda path: _write_workbook(path, rows, settings)),
        ('findings.geojson', lambda path: _write_geojson(path, rows)),
    ):
        with export_errors(folder / name):
            output = AtomicOutput(folder / name, overwrite=True)
            write(output.part)
            output.finish()
        paths.append(output.path)
    return tuple(paths)


def _rounded(name: str, value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return round(value, _DECIMALS.get(name, _OTHER_DECIMALS))


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    with path.open('w', encoding='utf-8', newline='') as file:
        table = csv.DictWriter(file, COLUMNS, dialect='excel')
        table.writeheader()
        table.writerows(rows)


def _write_workbook(path: Path, rows: Sequence[Row], settings: Mapping[str, object]) -> None:
    with Workbook(str(path), {'strings_to_formulas': False, 'strings_to_urls': False}) as book:
        header = book.add_format({'bold': True, 'bg_color': '#D9E2EC', 'bottom': 1})
        sheet = book.add_worksheet('findings')
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, COLUMNS, header)
        for index, row in enumerate(rows, start=1):
            for column, name in enumerate(COLUMNS):
                if row[name] is not None:
                    sheet.write(index, column, row[name])
        sheet.autofilter(0, 0, max(len(rows), 1), len(COLUMNS) - 1)
        sheet = book.add_worksheet('settings')
        sheet.set_column(0, 0, 32)
        sheet.set_column(1, 1, 80)
        for index, (name, value) in enumerate(settings.items()):
            sheet.write_string(index, 0, name)
            sheet.write_string(index, 1, readable(str(value))[:30_000])


def _write_geojson(path: Path, rows: Sequence[Row]) -> None:
    features = []
    for row in rows:
        geometry = None
        if row['longitude_deg'] is not None:
            place = [row['longitude_deg'], row['latitude_deg']]
            geometry = {'type': 'Point', 'coordinates': place}
        properties = {
            name: value
            for name, value in row.items()
            if value is not None and name not in {'latitude_deg', 'longitude_deg'}
        }
        features.append(
            {
                'type': 'Feature',
                'id': row['number'],
                'geometry': geometry,
                'properties': properties,
            }
        )
    collection = {'type': 'FeatureCollection', 'features': features}
    path.write_text(json.dumps(collection, indent=1, allow_nan=False) + '\n', encoding='utf-8')
