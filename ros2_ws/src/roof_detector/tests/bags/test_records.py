# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import shutil

import yaml

from roof_detector.bags.provenance import provenance
from roof_detector.bags.records import MANIFEST, MARK, metadata_records
from roof_detector.bags.recovery import recover
from roof_detector.bags.writer import BagWriter

OURS = (MANIFEST, MARK)


def ours(path):
    return [(name, values) for name, values in metadata_records(path) if name in OURS]


def test_a_bag_without_a_manifest_says_nothing(tmp_path):
    BagWriter(tmp_path / 'bag').close()
    assert ours(tmp_path / 'bag') == []


def test_the_last_manifest_counts_and_the_earlier_ones_stay_to_be_read(tmp_path, flights):
    path = tmp_path / 'bag'
    with BagWriter(path, manifest={'model': '7'}, max_file_s=1.0) as writer:
        flights.fill(writer, range(5))
        writer.update_manifest({'confidence': '0.4'})
        writer.add_record(MARK, {'note': 'chimney'})
        flights.append(writer, range(5, 15))
    now = {'model': '7', 'confidence': '0.4'}
    assert ours(path) == [
        (MANIFEST, {'model': '7'}),
        (MANIFEST, now),
        (MARK, {'note': 'chimney'}),
        (MANIFEST, now),  # of the second file
    ]
    assert ours(path / 'bag_1.mcap') == [(MANIFEST, now)]
    described = yaml.safe_load((path / 'metadata.yaml').read_text())
    assert described['rosbag2_bagfile_information']['custom_data'] == now


def test_a_crash_costs_no_record_that_was_flushed(tmp_path, flights):
    writer = BagWriter(tmp_path / 'bag', manifest={'model': '7'})
    flights.fill(writer, range(5))
    writer.update_manifest({'model': '8'})
    writer.add_record(MARK, {'note': 'chimney'})
    writer.flush()
    left = shutil.copytree(tmp_path / 'bag', tmp_path / 'left')
    (left / 'metadata.yaml').unlink()
    recorded = [
        (MANIFEST, {'model': '7'}),
        (MANIFEST, {'model': '8'}),
        (MARK, {'note': 'chimney'}),
    ]
    assert ours(left) == recorded
    recover(left)
    assert ours(left) == recorded
    described = yaml.safe_load((left / 'metadata.yaml').read_text())
    assert described['rosbag2_bagfile_information']['custom_data'] == {'model': '8'}


def test_provenance_names_the_software_that_decides_what_is_found():
    values = provenance(written_by='a test')
    assert values['written_by'] == 'a test'
    for package in ('torch', 'ultralytics', 'numpy', 'opencv-python', 'mcap'):
        assert values[f'{package}_version'][0].isdigit()
    assert values['started_at'].endswith('+00:00')
    assert all(isinstance(value, str) for value in values.values())
