# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import cv2
import pytest

from roof_detector.inputs.bag import BagInput
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.image_files import ImageFilesInput
from roof_detector.inputs.live import LiveInput
from roof_detector.inputs.open_input import open_input
from roof_detector.inputs.video import VideoInput


@pytest.mark.parametrize('text', ['', '   '])
def test_no_source_is_refused_with_what_there_is(text):
    with pytest.raises(InputError, match=r'No input was named; give a camera \(0, /dev/video0'):
        open_input(text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r'There is no file or folder .*gone\.mp4; give'):
        open_input(str(tmp_path / 'gone.mp4'))


def test_an_unknown_kind_of_address_is_named_without_its_password():
    with pytest.raises(InputError, match='begin with gopher:// are not known') as refusal:
        open_input('gopher://user:secret@host/')
    assert 'secret' not in str(refusal.value)


@pytest.mark.parametrize(
    ('text', 'name'),
    [
        ('63', '/dev/video63'),
        ('/dev/video63', '/dev/video63'),
        ('rtsp://user:secret@127.0.0.1:9/roof', 'rtsp://127.0.0.1:9/roof'),
        ('http://127.0.0.1:9/stream', 'http://127.0.0.1:9/stream'),
    ],
)
def test_cameras_and_streams_are_live_and_may_be_absent(text, name):
    with open_input(text) as source:
        assert isinstance(source, LiveInput)
        assert source.live
        assert source.name == name
        assert source.frame_count is None


def test_a_folder_of_images_and_an_image_are_images(tmp_path, numbered_images):
    numbered_images.write_images(tmp_path, numbers=range(2))
    for path in (tmp_path, tmp_path / 'frame_1.png', f'file://{tmp_path}'):
        source = open_input(str(path))
        assert isinstance(source, ImageFilesInput)
        assert not source.live


def test_a_damaged_single_image_is_an_error(tmp_path):
    (tmp_path / 'roof.jpg').write_bytes(b'no image')
    with pytest.raises(InputError, match=r'roof\.jpg cannot be read'):
        list(open_input(str(tmp_path / 'roof.jpg')))


def test_any_other_file_is_a_video_whatever_its_name(tmp_path, numbered_images):
    numbered_images.write_video(tmp_path / 'v.avi', frames=3).rename(tmp_path / 'DJI_0001')
    with open_input(str(tmp_path / 'DJI_0001'), rate_hz=5.0) as source:
        assert isinstance(source, VideoInput)
        assert source.rate_hz == 5.0


def test_a_folder_with_metadata_and_a_file_named_like_a_bag_are_bags(tmp_path):
    # Both are broken bags: what matters is who says so.
    (tmp_path / 'metadata.yaml').write_text('nothing')
    (tmp_path / 'flight.mcap').touch()
    (tmp_path / 'flight.bag').touch()
    for path in (tmp_path, tmp_path / 'flight.mcap', tmp_path / 'flight.bag'):
        with pytest.raises(InputError, match=r'metadata|is empty: nothing was ever written'):
            open_input(str(path))


def test_a_bag_folder_without_metadata_is_still_a_bag(tmp_path):
    (tmp_path / 'flight_0.mcap').write_bytes(b'\x89MCAP0\r\n')
    with pytest.raises(InputError) as refusal:
        BagInput(tmp_path)
    with pytest.raises(InputError) as same:
        open_input(str(tmp_path))
    assert str(same.value) == str(refusal.value)


@pytest.mark.parametrize('rate_hz', [0.0, -1.0, float('nan'), 1e6])
def test_an_impossible_rate_is_refused(tmp_path, numbered_images, rate_hz):
    video = numbered_images.write_video(tmp_path / 'v.avi', frames=2)
    images = numbered_images.write_images(tmp_path / 'images', numbers=range(2))
    for source in (video, images, '63'):
        with pytest.raises(InputError, match='frames per second is impossible'):
            open_input(str(source), rate_hz=rate_hz)


@pytest.mark.parametrize(
    ('options', 'name'),
    [
        ({'size_wh': (640, 480)}, 'size'),
        ({'pixel_format': 'MJPG'}, 'pixel_format'),
        ({'topic': '/image'}, '/image'),
    ],
)
def test_an_option_that_means_nothing_for_the_source_is_refused(tmp_path, options, name):
    cv2.imwrite(str(tmp_path / 'a.png'), cv2.UMat(8, 8, cv2.CV_8UC3).get())
    with pytest.raises(InputError, match=name):
        open_input(str(tmp_path), **options)


def test_a_live_camera_cannot_be_looped():
    with pytest.raises(InputError, match='loop means nothing for /dev/video63'):
        open_input('/dev/video63', loop=True)
