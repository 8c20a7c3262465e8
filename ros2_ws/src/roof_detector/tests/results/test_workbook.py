# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import datetime
import zipfile

import openpyxl
import pytest

from roof_detector.results.columns import COLUMNS
from roof_detector.results.errors import ExportError
from roof_detector.results.workbook import ExcelExport

NAMES = [column.name for column in COLUMNS]


def write(path, frames, **options):
    values = {'class_names': ('vent', 'air conditioner'), 'settings': {}} | options
    with ExcelExport(path, **values) as export:
        for frame in frames:
            export.write(frame, None)
    return openpyxl.load_workbook(path)


def table(sheet):
    head, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_no_frames_make_a_workbook_with_headers_alone(tmp_path):
    book = write(tmp_path / 'd.xlsx', [])
    assert book.sheetnames == ['detections', 'summary', 'settings']
    assert [cell.value for cell in book['detections'][1]] == NAMES
    assert table(book['detections']) == []


def test_a_detection_is_a_row_with_numbers_dates_and_texts(tmp_path, run):
    book = write(tmp_path / 'd.xlsx', [run.frame(0, count=0), run.frame(3)])
    _, row = table(book['detections'])
    assert row['stamp_ns'] == '1790000000300000000'
    assert row['time_utc'] == datetime.datetime(2026, 9, 21, 14, 13, 20, 300_000)
    assert (row['frame'], row['class'], row['name']) == (3, 'air conditioner', 'one_000003')
    assert row['confidence'] == 0.5
    box = [row[f'{side}_px'] for side in ('left', 'top', 'right', 'bottom')]
    assert box == [13.0, 7.0, 29.0, 33.0]
    assert (row['area_px'], row['inference_ms'], row['mask_area_px']) == (416.0, 12.5, None)


def test_the_header_is_frozen_and_filtered_and_columns_are_wide_enough_to_read(tmp_path, run):
    sheet = write(tmp_path / 'd.xlsx', [run.frame(0)])['detections']
    assert sheet.freeze_panes == 'A2'
    assert sheet.auto_filter.ref == 'A1:AE3'
    widths = [sheet.column_dimensions[cell.column_letter].width for cell in sheet[1]]
    assert all(w >= len(name) for w, name in zip(widths, NAMES, strict=True))
    formats = {name: cell.number_format for name, cell in zip(NAMES, sheet[2], strict=True)}
    assert formats['time_utc'] == 'yyyy-mm-dd hh:mm:ss.000'
    assert formats['confidence'] == '0.000'


def test_the_summary_counts_each_class(tmp_path, run):
    frames = [run.frame(0, count=3), run.frame(1, count=1), run.frame(2, count=0)]
    rows = write(tmp_path / 'd.xlsx', frames)['summary'].iter_rows(min_row=2, values_only=True)
    by_name = {row[0]: row[1:] for row in rows if row[0]}
    assert by_name['vent'][:2] == (3, 2)
    assert by_name['vent'][2:] == pytest.approx(((0.9 + 0.5 + 0.9) / 3, 0.9))
    assert by_name['air conditioner'][:3] == (1, 1, pytest.approx(0.7))
    assert by_name['frames'][0] == 3
    assert by_name['frames with detections'][0] == 2
    assert by_name['duration in s'][0] == pytest.approx(0.2)


@pytest.mark.parametrize('start', list('=+-@\t'))
def test_no_text_becomes_a_formula_or_a_link(tmp_path, run, start):
    evil = f"{start}cmd|' /C calc'!A0"
    frame = run.frame(
        0, name=evil, source='http://example.org', class_names=(evil, evil), frame_id=evil
    )
    settings = {evil: evil, 'link': 'https://example.org'}
    book = write(tmp_path / 'd.xlsx', [frame], class_names=(evil,), settings=settings)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert sum(cell.value == evil for cell in cells) >= 8
    assert not any(cell.data_type == 'f' or cell.hyperlink for cell in cells)
    with zipfile.ZipFile(tmp_path / 'd.xlsx') as archive:
        assert not any(b'<f>' in archive.read(name) for name in archive.namelist())


def test_settings_keep_their_values(tmp_path):
    settings = {'model': 'roof.pt', 'confidence': 0.25, 'tiles': True, 'classes': ('vent',)}
    rows = table(write(tmp_path / 'd.xlsx', [], settings=settings)['settings'])
    assert [row['value'] for row in rows] == ['roof.pt', 0.25, True, "('vent',)"]


def test_detections_beyond_a_sheets_rows_go_on_in_the_next(tmp_path, run):
    book = write(tmp_path / 'd.xlsx', [run.frame(i) for i in range(5)], rows_per_sheet=5)
    assert book.sheetnames == [
        'detections',
        'summary',
        'settings',
        'detections 2',
        'detections 3',
    ]
    parts = [table(book[name]) for name in ('detections', 'detections 2', 'detections 3')]
    assert [len(part) for part in parts] == [4, 4, 2]
    assert [row['frame'] for part in parts for row in part] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert book['detections 3'].freeze_panes == 'A2'


def test_an_abandoned_workbook_leaves_nothing_but_the_name(tmp_path, run):
    with (
        pytest.raises(ExportError),
        ExcelExport(tmp_path / 'd.xlsx', class_names=(), settings={}) as export,
    ):
        export.write(run.frame(0), None)
        raise ExportError
    assert list(tmp_path.iterdir()) == []
