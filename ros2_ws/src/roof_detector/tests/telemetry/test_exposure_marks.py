# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""MRK files of RTK drones give their photos positions of centimetres."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from roof_detector.telemetry.exposure_marks import read_marks, with_marks
from roof_detector.telemetry.photo_pose import read_photo_pose

DATA = Path(os.environ.get('ROOF_DETECTOR_DATA', Path(__file__).parents[5] / '../shared/data'))
PHOTOS = DATA / 'drone_photos'
needs_photos = pytest.mark.skipif(not PHOTOS.is_dir(), reason='shared data is absent')
LINE = (
    '{number}\t{seconds:.6f}\t[2364]\t  -339,N\t  -361,E\t   348,V\t{latitude:.8f},Lat\t'
    '{longitude:.8f},Lon\t{height:.3f},Ellh\t{sigmas}\t{quality},Q'
)


def line(number, *, latitude=51.0, longitude=-115.0, height=1368.6, quality=50, **more):
    sigmas = more.get('sigmas', '0.012459, 0.010243, 0.020338')
    return LINE.format(
        number=number, seconds=505369.172143, latitude=latitude, longitude=longitude,
        height=height, sigmas=sigmas, quality=quality,
    )  # fmt: skip


@pytest.fixture
def card(tmp_path):
    """Return a folder with real photos, and a function that writes the MRK file beside them."""
    for number in (18, 19):
        shutil.copy(PHOTOS / f'DJI_00{number}.JPG', tmp_path)
    poses = {n: read_photo_pose(path) for n, path in enumerate(sorted(tmp_path.glob('*.JPG')))}

    def write(*lines, name='DJI_202505021412_007_Timestamp.MRK', ending='\r\n'):
        (tmp_path / name).write_bytes(ending.join(lines).encode())

    return poses, write


def beside(pose, number, *, north_deg=1e-5, **more):
    return line(
        number, latitude=pose.latitude_deg + north_deg, longitude=pose.longitude_deg, **more
    )


def test_an_empty_file_has_no_marks(tmp_path):
    (tmp_path / 'a.MRK').touch()
    assert read_marks(tmp_path / 'a.MRK').marks == ()


def test_a_line_tells_when_and_where_in_the_order_of_east_north_up(tmp_path):
    path = tmp_path / 'b.mrk'
    path.write_text(line(3) + '\n' + line(4)[:60])
    found = read_marks(path)
    (mark,) = found.marks
    assert (mark.number, mark.quality, found.damaged_count) == (3, 50, 1)
    assert mark.sigmas_enu_m == (0.010243, 0.012459, 0.020338)
    assert mark.time.isoformat() == '2025-05-02T20:22:31.172143+00:00'


@needs_photos
def test_photos_take_the_position_of_their_number_with_its_centimetres(card):
    poses, write = card
    write(beside(poses[0], 18), beside(poses[1], 19))
    notes = []
    found = with_marks(poses, notes=notes)
    for number in (0, 1):
        assert found[number].latitude_deg == pytest.approx(poses[number].latitude_deg + 1e-5)
        assert found[number].altitude_m == 1368.6
        np.testing.assert_allclose(
            np.sqrt(np.diag(found[number].position_covariance)), [0.010243, 0.012459, 0.020338]
        )
        assert found[number].sources['position'].endswith('_Timestamp.MRK (RTK fixed)')
        assert found[number].rotation is poses[number].rotation
    assert '2 photos have their position' in notes[0]


@needs_photos
def test_a_mark_of_another_flight_is_not_taken(card):
    poses, write = card
    write(beside(poses[0], 18, north_deg=0.01), beside(poses[1], 19))
    notes = []
    found = with_marks(poses, notes=notes)
    assert found[0] is poses[0] and found[1] is not poses[1]
    assert any('1 photos have no line in' in note and 'within 30 m' in note for note in notes)


@needs_photos
def test_of_two_flights_in_a_folder_each_photo_takes_the_mark_that_is_near(card):
    poses, write = card
    write(beside(poses[0], 18, north_deg=0.01), name='one.MRK')
    write(beside(poses[0], 18), name='two.MRK', ending='\n')
    found = with_marks(poses, notes=[])
    assert found[0].sources['position'] == 'two.MRK (RTK fixed)'


@needs_photos
def test_a_single_solution_is_no_better_than_the_tags(card):
    poses, write = card
    write(beside(poses[0], 18, quality=16), beside(poses[1], 19, quality=34))
    notes = []
    found = with_marks(poses, notes=notes)
    assert found[0] is poses[0]
    assert found[1].sources['position'].endswith('(RTK float)')
    assert any('1 photos have no RTK solution' in note for note in notes)


@needs_photos
def test_photos_without_a_file_beside_them_stay_as_they_are(card):
    poses, _ = card
    notes = []
    assert with_marks(poses, notes=notes) == poses
    assert notes == []
