# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import threading
import time
from itertools import islice
from pathlib import Path

import pytest

from roof_detector.inputs.capture import NetworkStream, V4l2Camera
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.live import LiveInput


def until(condition, *, within_s=60.0):
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, 'it did not happen in time'
        time.sleep(0.01)


@pytest.fixture
def warnings(monkeypatch):
    """Return all that live inputs report of lost cameras, also what is soon replaced."""
    heard, report = [], LiveInput._report_lost

    def noted(self, warning):
        report(self, warning)
        heard.append(warning)

    monkeypatch.setattr(LiveInput, '_report_lost', noted)
    return heard


def test_an_absent_camera_is_waited_for_and_stopping_ends_the_wait():
    source = LiveInput(V4l2Camera(path=Path('/dev/video63')))
    until(lambda: source.health().warning)
    assert source.health().connected is False
    assert 'There is no camera at /dev/video63' in source.health().warning
    assert 'Trying again in ' in source.health().warning
    threading.Timer(0.1, source.stop).start()
    assert list(source) == []


def test_the_waits_between_attempts_grow(warnings):
    with LiveInput(V4l2Camera(path=Path('/dev/video63'))):
        until(lambda: len(warnings) >= 3)
    waits = [one.partition('Trying again in ')[2] for one in warnings]
    assert waits[:3] == ['0.5 s.', '1 s.', '2 s.']


def test_a_file_that_is_no_device_is_named(tmp_path):
    with LiveInput(V4l2Camera(path=tmp_path)) as source:
        until(lambda: 'is not a camera device' in source.health().warning)


def test_a_device_that_is_no_camera_is_named():
    with LiveInput(V4l2Camera(path=Path('/dev/zero'))) as source:
        until(lambda: '/dev/zero does not open as a camera' in source.health().warning)


@pytest.mark.parametrize('pixel_format', ['mjpg', 'MJPEG', 'M'])
def test_an_impossible_pixel_format_is_refused(pixel_format):
    with pytest.raises(InputError, match='expected four letters such as MJPG'):
        V4l2Camera(path=Path('/dev/video0'), pixel_format=pixel_format)


def test_frames_carry_the_time_of_their_grab(streaming_camera):
    before_ns = time.time_ns()
    with LiveInput(NetworkStream(streaming_camera.url)) as source:
        frames = list(islice(source, 5))
    assert [frame.index for frame in frames] == list(range(5))
    assert all(frame.due_ns is None for frame in frames)
    stamps = [frame.stamp_ns for frame in frames]
    assert stamps == sorted(set(stamps))
    assert before_ns < stamps[0]
    assert stamps[-1] <= time.time_ns()
    assert source.health().connected
    assert source.size_wh == (64, 48)


def test_a_slow_consumer_gets_the_newest_frame_and_older_ones_are_counted(streaming_camera):
    with LiveInput(NetworkStream(streaming_camera.url)) as source:
        frames = iter(source)
        first = next(frames)
        until(lambda: source.health().superseded >= 10)
        # Of the frames that two more replacements bring, the second was grabbed after this time,
        # however unevenly a busy machine delivers them.
        looked_ns, superseded = time.time_ns(), source.health().superseded
        until(lambda: source.health().superseded >= superseded + 2)
        second = next(frames)
        assert second.index == first.index + 1
        assert second.stamp_ns > looked_ns > first.stamp_ns


def test_a_given_rate_takes_fewer_frames_of_the_stream(streaming_camera):
    with LiveInput(NetworkStream(streaming_camera.url), rate_hz=10.0) as source:
        frames = list(islice(source, 11))
        span_s = (frames[-1].stamp_ns - frames[0].stamp_ns) / 1e9
    assert span_s > 0.5  # 1 s; unchecked, eleven frames of this camera span 0.2 s


def test_a_stream_that_dies_is_found_again_when_it_comes_back(streaming_camera):
    with LiveInput(NetworkStream(streaming_camera.url)) as source:
        frames = iter(source)
        for _ in range(3):
            next(frames)
        streaming_camera.switch_off()
        until(lambda: not source.health().connected)
        assert 'Trying again in' in source.health().warning
        streaming_camera.switch_on()
        back_ns = time.time_ns()
        after = next(frame for frame in frames if frame.stamp_ns > back_ns)
        assert after.image_bgr.shape == (48, 64, 3)
        assert source.health().connected
        assert source.health().reconnects == 1
        assert source.health().warning == ''


def test_a_thread_that_died_is_replaced_without_a_watchdog(streaming_camera, caplog):
    class BreaksOnce(NetworkStream):
        def open(self):
            if 'died' not in caplog.text:
                msg = 'out of order'
                raise RuntimeError(msg)
            return super().open()

    with LiveInput(BreaksOnce(streaming_camera.url)) as source:
        assert next(iter(source)).image_bgr.shape == (48, 64, 3)
    assert 'out of order' in caplog.text


def test_the_password_of_a_camera_is_never_shown(streaming_camera):
    url = streaming_camera.url
    streaming_camera.switch_off()
    with LiveInput(NetworkStream(url)) as source:
        until(lambda: source.health().warning)
        assert 'secret' in url
        assert 'secret' not in source.name + source.health().warning
        assert f'http://127.0.0.1:{streaming_camera.port}/' in source.health().warning
