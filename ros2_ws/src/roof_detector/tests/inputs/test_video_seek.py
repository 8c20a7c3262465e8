# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A part of a video, read from the keyframe before it, is that part of the whole."""

from __future__ import annotations

import gc
from fractions import Fraction

import av
import numpy as np
import pytest

from roof_detector.inputs.video import VideoInput

FRAMES = 50
OPEN_GROUPS = {'x264-params': 'open-gop=1:keyint=12:min-keyint=12:bframes=3:b-adapt=0:scenecut=0'}


def write(path, codec='libx264', *, uneven=False, options=None, size=(64, 48)):
    rng = np.random.default_rng(1)
    width, height = size
    with av.open(str(path), 'w') as container:
        stream = container.add_stream(codec, rate=Fraction(30000, 1001), options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, 'yuv420p'
        stream.codec_context.gop_size = 12
        base = rng.integers(0, 256, (height, width, 3), np.uint8)
        for number in range(FRAMES):
            image = np.roll(base, number, axis=1)
            image[:, :8] = 5 * number
            frame = av.VideoFrame.from_ndarray(image, format='bgr24')
            frame.time_base = Fraction(1001, 30000)
            frame.pts = number + (number * number // 40 if uneven else 0)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def facts(frame):
    return frame.index, frame.name, frame.stamp_ns, frame.log_time_ns, frame.image.tobytes()


@pytest.mark.parametrize(
    ('codec', 'options', 'skips'),
    [
        ('libx264', None, True),
        ('mpeg4', None, True),
        ('libx264', {'bf': '0'}, True),
        ('libx264', OPEN_GROUPS, None),
    ],
    ids=['h264', 'mpeg4', 'without B frames', 'open groups'],
)
def test_frames_from_a_number_on_are_those_of_the_whole(tmp_path, codec, options, skips):
    path = write(tmp_path / 'video.mp4', codec, options=options)
    with VideoInput(path) as video:
        whole = [facts(frame) for frame in video.recorded()]
    assert len(whole) == FRAMES
    for begin in (0, 1, 12, 13, 30, 49, 80):
        with VideoInput(path) as video:
            assert [facts(frame) for frame in video.frames_from(begin)] == whole[begin:]
            if skips is not None:
                assert (video._skipped > 0) is (begin >= 12)


def test_a_video_of_uneven_rate_is_read_from_its_beginning(tmp_path):
    path = write(tmp_path / 'video.mp4', uneven=True)
    with VideoInput(path) as video:
        whole = [facts(frame) for frame in video.recorded()]
    with VideoInput(path) as video:
        assert [facts(frame) for frame in video.frames_from(30)] == whole[30:]
        assert video._skipped == 0


@pytest.mark.parametrize('codec', ['libx264', 'libx265', 'mpeg4'])
def test_what_is_made_up_for_lost_parts_is_the_same_each_time(tmp_path, codec):
    """Decoded with several threads, a third of the readings of such a file differ."""
    path = write(tmp_path / 'video.mp4', codec, size=(320, 240))
    data = bytearray(path.read_bytes())
    for part in (2, 3):
        middle = len(data) * part // 5
        data[middle : middle + 2000] = bytes(2000)
    path.write_bytes(data)
    readings = set()
    for _ in range(20):
        with VideoInput(path) as video:
            readings.add(tuple(facts(frame) for frame in video.recorded()))
            assert video.warnings()
    assert len(readings) == 1
    assert len(readings.pop()) > FRAMES // 2


def test_frames_are_freed_as_they_are_read_and_not_when_garbage_is_collected(tmp_path):
    """A hundred frames of 4K are more than a gigabyte."""
    path = write(tmp_path / 'video.mp4')
    gc.collect()
    gc.disable()
    try:
        with VideoInput(path) as video:
            assert sum(1 for _ in video.recorded()) == FRAMES
            left = [one for one in gc.get_objects() if isinstance(one, av.VideoFrame)]
            # The small copy whose side data was read is one of them.
            assert len(left) < 5, f'{len(left)} of {FRAMES} frames wait for the collector'
    finally:
        gc.enable()
