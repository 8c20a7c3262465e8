# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A drone's card is taken as it is."""

from __future__ import annotations

import pytest

from roof_detector.inputs.card import Card


@pytest.fixture
def card(tmp_path):
    """Return a function that makes empty files and reads the folder."""

    def make(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return Card.read(tmp_path)

    return make


def recordings(card):
    return {one.name: str(one.path.relative_to(card.folder)) for one in card.recordings}


def test_images_videos_and_bags_of_all_folders_are_found(card):
    found = card(
        'DCIM/100MEDIA/DJI_0001.JPG',
        'DCIM/100MEDIA/DJI_0002.JPG',
        'DCIM/100MEDIA/DJI_0003.MP4',
        'DCIM/100MEDIA/DJI_0003.SRT',
        'DCIM/101MEDIA/DJI_0001.JPG',
        'flights/one/metadata.yaml',
        'flights/one/one_0.mcap',
    )
    assert recordings(found) == {
        'DCIM/100MEDIA/images': 'DCIM/100MEDIA',
        'DCIM/100MEDIA/DJI_0003': 'DCIM/100MEDIA/DJI_0003.MP4',
        'DCIM/101MEDIA': 'DCIM/101MEDIA',
        'flights/one': 'flights/one',
    }
    assert found.ignored == ()
    assert not found.is_single


def test_no_result_lies_within_another(card):
    found = card('a/1.jpg', 'a/b/2.jpg', 'a/b/c/3.mov', '0.png')
    names = list(recordings(found))
    assert names == ['images', 'a/images', 'a/b/images', 'a/b/c/3']
    assert not any(one != two and two.startswith(f'{one}/') for one in names for two in names)


def test_recordings_of_one_name_are_numbered(card):
    assert list(recordings(card('flight.mp4', 'flight.mov', 'x.jpg'))) == [
        'images',
        'flight',
        'flight_2',
    ]


def test_a_folder_of_images_is_one_recording(card):
    found = card('1.jpg', '2.png')
    assert found.is_single
    assert found.note() == ''


def test_what_was_not_looked_at_is_counted_by_kind(card):
    found = card('1.jpg', 'a.heic', 'b.HEIC', 'log.txt', 'README', '._1.jpg', '.Trashes/2.jpg')
    assert found.is_single
    assert found.note().startswith('4 files of ')
    assert '2 .heic, 1 .txt, 1 without a suffix' in found.note()


def test_results_and_links_are_not_taken_for_recordings(card, tmp_path):
    found = card('1.jpg', 'results/run.json', 'results/images/1.jpg')
    assert found.is_single
    (tmp_path / 'around').symlink_to(tmp_path)
    assert Card.read(tmp_path).is_single
