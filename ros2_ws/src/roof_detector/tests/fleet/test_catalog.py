# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json

import pytest

from roof_detector.fleet.catalog import read_catalog
from roof_detector.fleet.errors import FleetError


@pytest.fixture
def make(tmp_path):
    def write(*names, folder='catalog'):
        for name in names:
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b'x')
        return tmp_path / folder

    return write


def described(flights):
    return {one.name: [file.name for of in one.inputs for file in of.files] for one in flights}


def test_a_catalog_that_is_gone_or_empty_is_refused(tmp_path, make):
    with pytest.raises(FleetError, match=r'There is no catalog .*nothing'):
        read_catalog(tmp_path / 'nothing')
    with pytest.raises(FleetError, match='holds no flights'):
        read_catalog(make('notes/letter.odt', '.hidden/DJI_1.MP4'))


def test_bags_cards_photos_videos_and_orthophotos_are_flights(make):
    folder = make(
        'hall/2026-03-01/rosbag/metadata.yaml',
        'hall/2026-03-01/rosbag/a_0.mcap',
        'card/DCIM/100MEDIA/DJI_0001.JPG',
        'card/DCIM/100MEDIA/DJI_0002.MP4',
        'card/DCIM/100MEDIA/DJI_0002.SRT',
        'photos/IMG_1.jpg',
        'photos/more/IMG_2.jpg',
        'videos/DJI_0003.MP4',
        'videos/DJI_0003.SRT',
        'videos/DJI_0004.MP4',
        'videos/DJI_0004.SRT',
        'videos/log.ulg',
        'ortho/roof.tif',
        'ortho/roof.tfw',
        'alone.mcap',
        'other.mcap',
    )
    assert described(read_catalog(folder)) == {
        'alone': ['alone.mcap'],
        'card': [f'DCIM/100MEDIA/DJI_000{name}' for name in ('1.JPG', '2.MP4', '2.SRT')],
        'hall/2026-03-01/rosbag': ['a_0.mcap', 'metadata.yaml'],
        'ortho/roof': ['roof.tfw', 'roof.tif'],
        'other': ['other.mcap'],
        'photos': ['IMG_1.jpg', 'more/IMG_2.jpg'],
        'videos/DJI_0003': ['DJI_0003.MP4', 'DJI_0003.SRT', 'log.ulg'],
        'videos/DJI_0004': ['DJI_0004.MP4', 'DJI_0004.SRT', 'log.ulg'],
    }


def test_results_and_stores_in_a_catalog_are_no_flights(make):
    folder = make(
        'a.mcap', 'out/run.json', 'out/bag/metadata.yaml', 'store/fleet.json', 'store/w/b.mp4'
    )
    assert list(described(read_catalog(folder))) == ['a']


def test_a_flight_that_is_half_uploaded_is_named_by_its_files(make):
    folder = make('card/DCIM/1.JPG', 'card/DCIM/2.JPG.part', 'b.mp4.filepart', 'c.mp4')
    failures = {one.name: one.failure for one in read_catalog(folder)}
    assert failures['c'] == ''
    assert failures['card'].endswith(
        'DCIM/2.JPG.part is half uploaded, by its name. The next run takes the flight when it is '
        'whole.'
    )
    assert 'b.mp4.filepart is half uploaded' in failures['b.mp4.filepart']


def test_a_file_puts_flights_together_by_hand(make, tmp_path):
    folder = make('a/1.mp4', 'a/1.srt', 'b/2.jpg')
    catalog = tmp_path / 'catalog.json'
    catalog.write_text(
        json.dumps(
            [
                {'name': 'north', 'inputs': ['catalog/a/1.mp4', str(folder / 'b')]},
                {'name': 'south', 'inputs': ['catalog/c']},
            ]
        )
    )
    north, south = read_catalog(catalog)
    assert described([north]) == {'north': ['1.mp4', '1.srt', '2.jpg']}
    assert 'catalog/c is gone' in south.failure
    catalog.write_text('{"name": "north"}')
    with pytest.raises(FleetError, match=r'is no catalog \(a dict\); expected a list of'):
        read_catalog(catalog)
