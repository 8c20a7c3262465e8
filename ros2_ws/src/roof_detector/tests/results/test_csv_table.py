# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import csv

import pytest

from roof_detector.results.columns import COLUMNS
from roof_detector.results.csv_table import CsvExport
from roof_detector.results.errors import ExportError
from roof_detector.vision.moment import Moment

START_NS = 1_790_000_000_000_000_000
# Programs read these names; a change here breaks them.
NAMES = (
    'source,topic,frame,name,stamp_ns,time_utc,time_s,frame_id,width_px,height_px,detection,'
    'class_id,class,confidence,left_px,top_px,right_px,bottom_px,area_px,mask_area_px,inference_ms,'
    'time_local,latitude,longitude,position_error_m,ground_width_m,ground_length_m,ground_area_m2,'
    'crs,crs_x,crs_y'
)


def rows(path):
    with path.open(encoding='utf-8-sig', newline='') as file:
        return list(csv.DictReader(file, strict=True))


def test_no_frames_make_a_header_alone(tmp_path):
    CsvExport(tmp_path / 'd.csv').close()
    assert (tmp_path / 'd.csv').read_bytes() == b'\xef\xbb\xbf' + NAMES.encode() + b'\r\n'
    assert ','.join(column.name for column in COLUMNS) == NAMES


def test_a_detection_is_a_row_with_every_figure(tmp_path, run):
    with CsvExport(tmp_path / 'd.csv') as export:
        export.write(run.frame(0, count=0), None)
        export.write(run.frame(3), None)
    first, second = rows(tmp_path / 'd.csv')
    assert second == {
        'source': 'flights/one.mcap',
        'topic': '/camera/image',
        'frame': '3',
        'name': 'one_000003',
        'stamp_ns': '1790000000300000000',
        'time_utc': '2026-09-21T14:13:20.300000Z',
        'time_s': '0.300',
        'frame_id': 'camera_optical_frame',
        'width_px': '96',
        'height_px': '64',
        'detection': '1',
        'class_id': '1',
        'class': 'air conditioner',
        'confidence': '0.500000',
        'left_px': '13.00',
        'top_px': '7.00',
        'right_px': '29.00',
        'bottom_px': '33.00',
        'area_px': '416.00',
        'mask_area_px': '',
        'inference_ms': '12.500',
        'time_local': '',
        'latitude': '',
        'longitude': '',
        'position_error_m': '',
        'ground_width_m': '',
        'ground_length_m': '',
        'ground_area_m2': '',
        'crs': '',
        'crs_x': '',
        'crs_y': '',
    }
    assert first['class'] == 'vent'


def test_a_videos_time_is_no_date_and_an_unmeasured_inference_no_figure(tmp_path, run):
    with CsvExport(tmp_path / 'd.csv') as export:
        export.write(run.frame(0, stamp_ns=2_500_000_000, inference_s=None), None)
    (row, _) = rows(tmp_path / 'd.csv')
    assert (row['time_utc'], row['inference_ms']) == ('', '')


def test_masks_are_measured(tmp_path, run):
    with CsvExport(tmp_path / 'd.csv') as export:
        export.write(run.masked(0), None)
    assert [row['mask_area_px'] for row in rows(tmp_path / 'd.csv')] == ['192', '400']


def test_names_with_commas_quotes_line_ends_and_broken_bytes_come_back(tmp_path, run):
    name = 'roof, "north"\r\nside.jpg'
    broken = b'caf\xe9.jpg'.decode('utf-8', errors='surrogateescape')
    with CsvExport(tmp_path / 'd.csv') as export:
        export.write(run.frame(0, name=name, count=1), None)
        export.write(run.frame(1, name=broken, count=1), None)
    assert [row['name'] for row in rows(tmp_path / 'd.csv')] == [name, 'caf\\udce9.jpg']


def test_every_frame_written_can_be_read_before_the_end(tmp_path, run):
    export = CsvExport(tmp_path / 'd.csv')
    for index in range(3):
        export.write(run.frame(index), None)
        assert len(rows(tmp_path / 'd.csv.part')) == 2 * (index + 1)
    assert not (tmp_path / 'd.csv').exists()
    export.close()
    assert not (tmp_path / 'd.csv.part').exists()


def test_a_run_that_fails_leaves_its_rows_under_the_unfinished_name(tmp_path, run):
    with pytest.raises(ZeroDivisionError), CsvExport(tmp_path / 'd.csv') as export:
        export.write(run.frame(0), None)
        1 / 0  # noqa: B018
    assert len(rows(tmp_path / 'd.csv.part')) == 2
    assert not (tmp_path / 'd.csv').exists()


def test_a_finished_table_is_not_overwritten_unless_asked(tmp_path, run):
    CsvExport(tmp_path / 'd.csv').close()
    with pytest.raises(ExportError, match='exists already, not overwriting'):
        CsvExport(tmp_path / 'd.csv')
    again = CsvExport(tmp_path / 'd.csv', overwrite=True)
    again.write(run.frame(0), None)
    assert not rows(tmp_path / 'd.csv'), 'the old one stays until the new one is complete'
    again.close()
    assert len(rows(tmp_path / 'd.csv')) == 2


def test_a_frame_after_the_end_is_refused(tmp_path, run):
    export = CsvExport(tmp_path / 'd.csv')
    export.close()
    with pytest.raises(ExportError, match='cannot be added'):
        export.write(run.frame(0), None)


def test_an_image_that_was_not_detected_in_is_refused(tmp_path, run):
    with (
        pytest.raises(ExportError, match='give the image that was detected in'),
        CsvExport(tmp_path / 'd.csv') as export,
    ):
        export.write(run.frame(0), run.image(0, size_wh=(10, 10)))


@pytest.mark.parametrize('start', list('=+-@\t\r'))
def test_no_text_begins_as_a_formula_does(tmp_path, run, start):
    evil = f"{start}cmd|' /C calc'!A0"
    with CsvExport(tmp_path / 'd.csv') as export:
        export.write(run.frame(0, name=evil, count=1, class_names=(evil, 'b')), None)
    (row,) = rows(tmp_path / 'd.csv')
    assert row['name'] == row['class'] == f"'{evil}"


def test_excel_reads_chinese_names_and_numbers_with_a_decimal_point(tmp_path, run):
    with CsvExport(tmp_path / 'd.csv') as export:
        export.write(run.frame(0, name='屋顶.jpg', count=1), None)
    assert (tmp_path / 'd.csv').read_bytes().startswith(b'\xef\xbb\xbfsource,')
    (row,) = rows(tmp_path / 'd.csv')
    assert (row['name'], row['confidence']) == ('屋顶.jpg', '0.900000')


def test_the_time_of_the_camera_is_utc_or_local_and_never_mixed(tmp_path, run):
    with CsvExport(tmp_path / 'd.csv') as export:
        for moment in (Moment(utc_ns=START_NS), Moment(local='2026-05-04T10:11:12.500')):
            export.write(run.frame(0, count=1, stamp_ns=500_000_000, moment=moment), None)
    known, local = rows(tmp_path / 'd.csv')
    assert (known['time_utc'], known['time_local']) == ('2026-09-21T14:13:20.000000Z', '')
    assert (local['time_utc'], local['time_local']) == ('', '2026-05-04T10:11:12.500')
    assert local['stamp_ns'] == '500000000'
