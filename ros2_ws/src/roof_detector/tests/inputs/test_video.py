# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from itertools import islice

import av
import pytest

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.video import VideoInput


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / 'empty.mp4').touch()
    with pytest.raises(InputError, match=r'empty\.mp4 is empty \(0 bytes\)'):
        VideoInput(tmp_path / 'empty.mp4')


def test_a_video_of_no_frames_is_refused(tmp_path, numbered_images):
    numbered_images.write_video(tmp_path / 'none.avi', frames=0)
    with pytest.raises(InputError, match=r'none\.avi (has no frame|is not a video)'):
        VideoInput(tmp_path / 'none.avi')


def test_a_file_that_is_no_video_is_refused_with_a_way_out(tmp_path):
    (tmp_path / 'notes.mp4').write_text('remember the milk\n' * 100)
    with pytest.raises(InputError, match=r'notes\.mp4 is not a video: it holds text'):
        VideoInput(tmp_path / 'notes.mp4')


@pytest.mark.parametrize(('codec', 'suffix'), [('MJPG', '.avi'), ('mp4v', '.mp4')])
def test_every_frame_comes_once_at_the_videos_own_rate(tmp_path, numbered_images, codec, suffix):
    path = numbered_images.write_video(
        tmp_path / f'v{suffix}', frames=25, rate_hz=20.0, codec=codec
    )
    with VideoInput(path) as source:
        assert source.frame_count == 25
        assert source.rate_hz == pytest.approx(20.0)
        assert source.size_wh == (64, 48)
        frames = list(source)
    assert [numbered_images.number(frame.image_bgr) for frame in frames] == list(range(25))
    assert [frame.stamp_ns for frame in frames] == [k * 50_000_000 for k in range(25)]
    assert [frame.due_ns for frame in frames] == [k * 50_000_000 for k in range(25)]
    assert source.health().delivered == 25
    assert source.health().warning == ''


def test_a_given_rate_changes_when_frames_are_due_but_not_their_time_in_the_video(
    tmp_path, numbered_images
):
    path = numbered_images.write_video(tmp_path / 'v.avi', frames=4, rate_hz=20.0)
    frames = list(VideoInput(path, rate_hz=100.0))
    assert [frame.due_ns for frame in frames] == [k * 10_000_000 for k in range(4)]
    assert [frame.stamp_ns for frame in frames] == [k * 50_000_000 for k in range(4)]


def test_a_looped_video_begins_again_and_time_goes_on(tmp_path, numbered_images):
    path = numbered_images.write_video(tmp_path / 'v.avi', frames=3, rate_hz=10.0)
    with VideoInput(path, loop=True) as source:
        frames = list(islice(source, 7))
    assert [numbered_images.number(frame.image_bgr) for frame in frames] == [0, 1, 2, 0, 1, 2, 0]
    assert [frame.due_ns for frame in frames] == [k * 100_000_000 for k in range(7)]


def test_a_video_that_is_cut_short_yields_its_frames_and_a_warning(tmp_path, numbered_images):
    path = numbered_images.write_video(tmp_path / 'v.avi', frames=20, size_wh=(320, 240))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    source = VideoInput(path)
    numbers = [numbered_images.number(frame.image_bgr) for frame in source]
    assert numbers == list(range(len(numbers)))
    assert 3 < len(numbers) < 15
    assert 'of 20 frames: it is damaged or cut short' in source.health().warning


def write_timed(path, numbered_images, times_ms):
    """Write an image for each time, in a container that is told nothing but those."""
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mjpeg', rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuvj420p'
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for number, time_ms in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(numbered_images.image(number), format='bgr24')
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize('suffix', ['.mkv', '.mp4'])
def test_a_whole_video_of_a_variable_rate_is_not_called_cut_short(
    tmp_path, numbered_images, suffix
):
    # At its nominal 30 Hz, as many seconds would have 120 frames.
    path = write_timed(
        tmp_path / f'v{suffix}', numbered_images, [0, 40, 700, 733, 2000, 2900, 4000]
    )
    source = VideoInput(path)
    assert len(list(source)) == 7
    assert source.health().warning == ''


def test_a_video_without_a_count_of_frames_is_judged_by_its_duration(tmp_path, numbered_images):
    path = write_timed(tmp_path / 'v.mkv', numbered_images, range(0, 4000, 50))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = VideoInput(path)
    given = len(list(source))
    assert 20 < given < 60
    assert ' of 4.0 seconds: it is damaged or cut short' in source.health().warning


def test_a_video_that_cannot_be_read_leaves_the_words_to_us(tmp_path):
    (tmp_path / 'v.mp4').write_bytes(b'\0\0\0\x20ftypisom' + bytes(500))
    code = (
        'import sys; from pathlib import Path\n'
        'from roof_detector.inputs.errors import InputError\n'
        'from roof_detector.inputs.video import VideoInput\n'
        'try: VideoInput(Path(sys.argv[1]))\n'
        'except InputError: print("refused")\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', code, tmp_path / 'v.mp4'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ('refused\n', '')


def test_a_name_with_numbers_is_read_as_a_video_and_not_as_a_series(tmp_path, numbered_images):
    path = numbered_images.write_video(tmp_path / 'roof_000%d.avi', frames=2)
    assert len(list(VideoInput(path))) == 2


@pytest.mark.parametrize('suffix', ['.mkv', '.mp4'])
def test_frames_of_a_variable_rate_have_their_own_times(tmp_path, numbered_images, suffix):
    times_ms = [0, 40, 80, 500, 540, 1500]
    frames = list(VideoInput(write_timed(tmp_path / f'v{suffix}', numbered_images, times_ms)))
    assert [numbered_images.number(frame.image_bgr) for frame in frames] == list(range(6))
    assert [frame.stamp_ns / 1e6 for frame in frames] == pytest.approx(times_ms, abs=1)
    assert [frame.due_ns for frame in frames] == [frame.stamp_ns for frame in frames]


def test_an_even_rate_is_not_rounded_as_the_container_rounds_it(tmp_path, numbered_images):
    path = numbered_images.write_video(tmp_path / 'v.mkv', frames=40, rate_hz=30.0, codec='MJPG')
    stamps = [frame.stamp_ns for frame in VideoInput(path)]
    assert stamps == pytest.approx([k * 1e9 / 30 for k in range(40)], abs=1.0)
