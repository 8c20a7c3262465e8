# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos import qos_profile_sensor_data as BEST_EFFORT
from sensor_msgs.msg import Image

from roof_detector.inputs.errors import InputError
from roof_detector.ros.camera.camera_messages import image_messages
from roof_detector.ros.camera.playback import Playback
from roof_detector.ros.camera.stream_parameters import STREAM_PARAMETERS, stream_settings
from roof_detector.ros.common.camera_topics import CameraTopics
from roof_detector.ros.common.outgoing import OutgoingFrame

DEFAULTS = stream_settings({parameter.name: parameter.default for parameter in STREAM_PARAMETERS})
SETTINGS = replace(DEFAULTS, start_delay_s=0.0)
MS = 1_000_000


def frame(k, *, period_ns=20 * MS):
    image = np.zeros((2, 2, 3), np.uint8)
    messages = image_messages(image, SETTINGS, frame_id='lens')
    return OutgoingFrame(k * period_ns, k * period_ns, tuple(messages))


@pytest.fixture
def play(graph):
    node = graph.node('camera')

    def start(frames, *, settings=SETTINGS):
        playback = Playback(
            frames,
            topics=CameraTopics(node, settings, roles=frozenset()),
            settings=settings,
            now_ns=time.time_ns,
            on_end=lambda: None,
            errors=(InputError,),
        )
        playback.start()
        return playback

    return start


def test_no_frames_are_played_to_their_end_at_once(play):
    playback = play([])
    assert playback.join(20)
    report = playback.report()
    assert (report.state, report.published, report.late, report.error) == ('ended', 0, 0, '')
    assert report.rate_hz == 0.0


def test_frames_that_come_too_late_are_counted_and_all_are_sent(play):
    def frames():
        yield frame(0)
        time.sleep(0.1)  # frames 1 to 3 are due meanwhile, at 20, 40 and 60 ms
        yield from (frame(k) for k in range(1, 4))

    playback = play(frames())
    assert playback.join(20)
    assert playback.report().published == 4
    assert playback.report().late == 3


def test_an_error_of_the_source_ends_the_playback_and_is_reported(play):
    def frames():
        yield frame(0)
        msg = 'The tape is torn.'
        raise InputError(msg)

    playback = play(frames())
    assert playback.join(20)
    report = playback.report()
    assert (report.state, report.published, report.error) == ('failed', 1, 'The tape is torn.')


def test_stopping_ends_every_wait(play):
    for frames, settings in (
        ([frame(0), frame(1, period_ns=3_600 * 1000 * MS)], SETTINGS),
        ([frame(0)], replace(SETTINGS, wait_for_subscribers=1)),
        ([frame(0)], replace(SETTINGS, start_delay_s=3600.0)),
    ):
        playback = play(frames, settings=settings)
        threading.Timer(0.2, playback.stop).start()
        assert playback.join(20)
        assert playback.report().published <= 1


def test_the_first_frame_waits_for_a_reader_that_follows_the_offered_reliability(
    graph, play, monkeypatch
):
    monkeypatch.setattr('roof_detector.ros.camera.playback._FOLLOW_WITHIN_S', 60.0)
    heard, ear = [], graph.node('ear')

    def listen(reliability):
        qos = QoSProfile(depth=9, reliability=ReliabilityPolicy[reliability])
        return ear.create_subscription(Image, '/camera/image', heard.append, qos)

    first = listen('BEST_EFFORT')
    settings = replace(SETTINGS, wait_for_subscribers=1)
    playback = play([frame(k) for k in range(3)], settings=settings)
    graph.wait_until(first.get_publisher_count, what='the writer')
    ear.destroy_subscription(first)
    listen('RELIABLE')
    assert playback.join(20)
    graph.wait_until(lambda: len(heard) == 3, what='every frame')


def test_a_reader_that_wants_best_effort_is_not_waited_for_without_end(graph, play):
    graph.node('ear').create_subscription(Image, '/camera/image', lambda _: None, BEST_EFFORT)
    playback = play([frame(0)], settings=replace(SETTINGS, wait_for_subscribers=1))
    assert playback.join(20)
    assert playback.report().published == 1


def test_two_readers_in_one_node_are_one_listener(graph):
    topics = CameraTopics(graph.node('camera'), SETTINGS, roles=frozenset())
    assert topics.listeners() == 0
    ear = graph.node('ear')
    for _ in range(2):
        ear.create_subscription(Image, '/camera/image', lambda _: None, 1)
    graph.wait_until(lambda: topics.listeners() == 1, what='the first listener')
    graph.node('eye').create_subscription(Image, '/camera/image', lambda _: None, 1)
    graph.wait_until(lambda: topics.listeners() == 2, what='the second listener')
