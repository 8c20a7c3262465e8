# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A drone's card is taken as it is."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from roof_detector.inputs.card import Card
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.image_files import ImageFilesInput, images_in
from roof_detector.offline.outcome import InputOutcome

JPEG = b'\xff\xd8\xff\xe0' + bytes(60)
MP4 = b'\0\0\0\x18ftypmp42' + bytes(60)


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


@pytest.fixture
def unprivileged():
    """Return a context without root's rights, where the tests have them."""

    @contextmanager
    def rights():
        uid = os.geteuid()
        if uid == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(uid)

    return rights


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
    assert found.notes() == ()


def test_what_was_not_looked_at_is_counted_by_kind(card):
    found = card('1.jpg', 'a.xlsx', 'b.XLSX', 'log.txt', 'README', '._1.jpg', '.Trashes/2.jpg')
    assert found.is_single
    (note,) = found.notes()
    assert note.startswith('4 files of ')
    assert '1 .txt, 2 .xlsx, 1 without a suffix' in note


def test_results_and_links_are_not_taken_for_recordings(card, tmp_path):
    found = card('1.jpg', 'results/run.json', 'results/images/1.jpg')
    assert found.is_single
    (tmp_path / 'around').symlink_to(tmp_path)
    assert Card.read(tmp_path).is_single


def test_a_real_card_counts_each_recording_once_and_names_the_rest(card, tmp_path):
    media = 'DCIM/100MEDIA'
    found = card(
        f'{media}/DJI_0001.JPG',
        f'{media}/DJI_0001.DNG',
        f'{media}/._DJI_0001.JPG',
        f'{media}/DJI_0002.MP4',
        f'{media}/DJI_0002.srt',
        f'{media}/DJI_0002.LRF',
        f'{media}/DJI_0002.THM',
        'DCIM/PANORAMA/100_0003/DJI_0001.JPG',
        'DCIM/HYPERLAPSE/100_0004/DJI_0001.JPG',
        'DCIM/HYPERLAPSE/100_0004/DJI_0005.MP4',
        'MISC/log.txt',
    )
    assert recordings(found) == {
        'DCIM/100MEDIA/images': media,
        'DCIM/100MEDIA/DJI_0002': f'{media}/DJI_0002.MP4',
        'DCIM/HYPERLAPSE/100_0004/images': 'DCIM/HYPERLAPSE/100_0004',
        'DCIM/HYPERLAPSE/100_0004/DJI_0005': 'DCIM/HYPERLAPSE/100_0004/DJI_0005.MP4',
        'DCIM/PANORAMA/100_0003': 'DCIM/PANORAMA/100_0003',
    }
    beside, ignored = found.notes()
    assert '3 files' in beside and '1 .lrf, 1 .srt, 1 .thm' in beside
    assert '1 files' in ignored and '1 .txt' in ignored
    images = ImageFilesInput(tmp_path / media)
    assert [path.name for path in images.paths] == ['DJI_0001.JPG']
    assert '1 raw photos' in images.notes()[0]


def test_files_are_told_by_their_content_where_their_names_mislead(card, tmp_path):
    card()
    (tmp_path / 'photo').write_bytes(JPEG)
    (tmp_path / 'photo.dat').write_bytes(JPEG)
    (tmp_path / 'flight.jpg').write_bytes(MP4)
    (tmp_path / 'clip.bak').write_bytes(MP4)
    (tmp_path / 'small.thm').write_bytes(JPEG)
    found = Card.read(tmp_path)
    assert recordings(found) == {'images': '.', 'flight': 'flight.jpg', 'clip': 'clip.bak'}
    assert [path.name for path in ImageFilesInput(tmp_path).paths] == ['photo', 'photo.dat']


def test_a_bin_belongs_to_recordings_where_it_is_a_log_or_observations(card, tmp_path):
    card('1.jpg')
    for name, content in {
        '00000042.BIN': b'\xa3\x95\x80\x80\x59FMT\0',
        'renamed.log.old': b'\xa3\x95\x80\x80\x59FMT\0',
        'flight': b'ULog\x01\x12\x35\x01' + bytes(8),
        '100_0003_PPKRAW.bin': b'\x13\x3e\xd0\0',
        'base.bin': b'\xd3\x00\x13\x3e\xd0\0',
        'firmware.bin': b'\x7fELF\x02\x01',
        'empty.bin': b'',
    }.items():
        (tmp_path / name).write_bytes(content)
    found = Card.read(tmp_path)
    assert found.is_single
    beside, ignored = found.notes()
    assert '5 files' in beside and '3 .bin, 1 .old, 1 without a suffix' in beside
    assert '2 files' in ignored and '2 .bin' in ignored


def test_names_that_differ_in_their_case_alone_are_numbered(card):
    found = card('a/Flight.mp4', 'a/flight.mov')
    assert list(recordings(found)) == ['a/flight', 'a/Flight_2']


def test_no_result_lies_within_another_where_names_differ_in_their_case_alone(card):
    found = card('DCIM/100/a.jpg', 'DCIM/100/b.mp4', 'dcim/100/c.jpg')
    names = [name.casefold() for name in recordings(found)]
    assert len(set(names)) == 3
    assert not any(one.startswith(f'{other}/') for one in names for other in names)


def test_what_gdal_and_world_files_tell_belongs_to_an_orthophoto(card):
    found = card('a.jpg', 'a.jpg.aux.xml', 'a.jpgw')
    assert found.ignored == ()
    assert len(found.beside) == 2


def test_links_out_of_a_card_are_counted_and_not_followed(card, tmp_path):
    outside = tmp_path.parent / f'{tmp_path.name}_outside.jpg'
    outside.touch()
    card('a/1.jpg', 'b/2.jpg', 'c/3.mp4')
    (tmp_path / 'b' / '2b.jpg').symlink_to('2.jpg')
    (tmp_path / 'b' / 'loop.jpg').symlink_to('loop.jpg')
    for name in ('a/out.jpg', 'c/out.mp4', 'd.jpg'):
        (tmp_path / name).symlink_to(outside)
    found = Card.read(tmp_path)
    assert recordings(found) == {'a': 'a', 'b': 'b', 'c/3': 'c/3.mp4'}
    assert sorted(one.name for one in found.links) == ['d.jpg', 'loop.jpg', 'out.jpg', 'out.mp4']
    assert '4 links lead out of' in found.notes()[-1]
    assert [one.name for one in images_in(tmp_path / 'a')] == ['1.jpg']
    assert [one.name for one in images_in(tmp_path / 'b')] == ['2.jpg', '2b.jpg']
    with pytest.raises(InputError, match='1 links to images elsewhere'):
        images_in(tmp_path)


def test_a_folder_that_is_closed_to_us_costs_itself(unprivileged):
    with TemporaryDirectory() as name:  # other users may enter no folder of pytest's
        folder = Path(name)
        folder.chmod(0o755)
        for one in ('a', 'b'):
            (folder / one).mkdir()
            (folder / one / '1.jpg').touch()
        (folder / 'a').chmod(0)
        with unprivileged():
            found = Card.read(folder)
        (folder / 'a').chmod(0o700)
    assert recordings(found) == {'b': 'b'}
    assert '1 folders of' in found.notes()[0]


def test_folders_within_folders_are_read_however_deep_they_are(tmp_path):
    deepest = tmp_path.joinpath(*['d'] * 1200)
    made = [tmp_path]
    try:
        while made[-1] != deepest:
            made.append(made[-1] / 'd')
            made[-1].mkdir()
        assert Card.read(tmp_path).recordings == ()
    finally:  # pytest could not remove them
        for folder in reversed(made[1:]):
            folder.rmdir()


def test_names_with_line_breaks_look_like_no_lines_of_ours(card, tmp_path):
    found = card('a\nall: 9 frames; found nothing\x1b[2J/1.jpg', 'b/2.jpg')
    outcome = InputOutcome(source=str(found.recordings[0].path), failure='it\nfailed')
    (line,) = outcome.lines()
    assert line.isprintable() and r'a\nall' in line and r'\x1b' in line
