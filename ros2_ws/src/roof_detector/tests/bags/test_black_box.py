# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roof_detector.bags.background_writer import BackgroundWriter
from roof_detector.bags.black_box import BlackBox
from roof_detector.bags.errors import BagError
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.qos import LATCHED, OfferedQos
from roof_detector.bags.reader import BagReader
from roof_detector.bags.timed_message import TimedMessage
from roof_detector.bags.writer import BagWriter

FIX = 'sensor_msgs/msg/NavSatFix'
LABELS = 'vision_msgs/msg/LabelInfo'
TRANSFORMS = 'tf2_msgs/msg/TFMessage'
NEVER_FULL = 1_000_000_000


class Box(BlackBox):
    """A black box whose time is told by the test."""

    def __init__(self, *, keep_s, max_bytes=NEVER_FULL):
        self.now_s = 0.0
        super().__init__(keep_s=keep_s, max_bytes=max_bytes, clock_s=lambda: self.now_s)
        self.add_topic('/fix', FIX, offered_qos=[OfferedQos()])

    def take(self, data, *, topic='/fix'):
        time_ns = round(self.now_s * 1e9)
        self.write(
            TimedMessage(topic=topic, data=data, log_time_ns=time_ns, publish_time_ns=time_ns + 5)
        )

    def poured(self, path):
        """Return topic, time and data of what a bag gets that the box is opened onto."""
        writer = BackgroundWriter(BagWriter(path), max_queue_bytes=NEVER_FULL)
        self.attach(writer)
        self.detach()
        writer.close()
        return recorded(path)


def recorded(path):
    with BagReader(path) as bag:
        return [(m.topic, m.log_time_ns, m.data) for m in bag.messages()]


def test_an_empty_box_attaches_to_a_bag_that_continues(tmp_path):
    box = Box(keep_s=10.0)
    writer = BackgroundWriter(BagWriter(tmp_path / 'bag'), max_queue_bytes=NEVER_FULL)
    box.attach(writer)
    box.take(b'later')
    writer.close()
    assert recorded(tmp_path / 'bag') == [('/fix', 0, b'later')]
    assert box.state().held_messages == 0


def test_what_is_older_than_asked_for_is_forgotten_and_the_rest_keeps_its_stamps(tmp_path):
    box = Box(keep_s=2.0)
    for number in range(10):
        box.now_s = float(number)
        box.take(b'%d' % number)
    state = box.state()
    assert (state.held_s, state.held_messages, state.forgotten_early) == (2.0, 3, 0)
    times = [(time_ns, data) for _, time_ns, data in box.poured(tmp_path / 'bag')]
    assert times == [(7 * 10**9, b'7'), (8 * 10**9, b'8'), (9 * 10**9, b'9')]


@settings(max_examples=50, deadline=None)
@given(sizes=st.lists(st.integers(0, 400), max_size=60))
def test_the_box_never_holds_more_than_its_limit_and_always_the_newest(sizes):
    box = Box(keep_s=1e9, max_bytes=1_000)
    for size in sizes:
        box.take(bytes(size))
        assert box.state().held_bytes <= 1_000
    state = box.state()
    held = sizes[len(sizes) - state.held_messages :]
    assert sum(held) == state.held_bytes
    assert state.held_messages + state.forgotten_early == len(sizes)
    # One more would not have fitted.
    before = sizes[: len(sizes) - state.held_messages]
    assert not before or sum(held) + before[-1] > 1_000


def test_more_than_the_queue_takes_is_poured_without_loss(tmp_path):
    box = Box(keep_s=100.0)
    data = [b'%04d' % number * 1_000 for number in range(200)]
    for each in data:
        box.take(each)
    writer = BackgroundWriter(BagWriter(tmp_path / 'bag'), max_queue_bytes=10_000)
    box.attach(writer)
    state = writer.close()
    assert (state.dropped, state.message_count) == ({}, 200)
    assert [each for _, _, each in recorded(tmp_path / 'bag')] == data


def test_latched_messages_of_long_ago_open_the_bag_with_the_first_message_s_time(tmp_path):
    box = Box(keep_s=1.0)
    box.add_topic('/labels', LABELS, offered_qos=[LATCHED])
    box.add_topic('/tf_static', TRANSFORMS, offered_qos=[LATCHED])
    box.take(b'old labels', topic='/labels')
    box.take(b'labels', topic='/labels')
    box.take(b'camera', topic='/tf_static')
    box.take(b'gimbal', topic='/tf_static')
    box.now_s = 1_000.0
    box.take(b'here')
    standing = [
        ('/labels', 10**12, b'labels'),
        ('/tf_static', 10**12, b'camera'),
        ('/tf_static', 10**12, b'gimbal'),
    ]
    assert box.poured(tmp_path / 'first') == [*standing, ('/fix', 10**12, b'here')]
    # A second bag holds nothing twice but what every bag needs.
    box.now_s = 1_000.5
    box.take(b'there')
    again = [(topic, 1_000_500_000_000, data) for topic, _, data in standing]
    assert box.poured(tmp_path / 'second') == [*again, ('/fix', 1_000_500_000_000, b'there')]


def test_calibration_stands_though_it_is_not_latched(tmp_path):
    box = Box(keep_s=1.0)
    box.add_topic('/camera_info', 'sensor_msgs/msg/CameraInfo', offered_qos=[OfferedQos()])
    box.take(b'calibration', topic='/camera_info')
    box.now_s = 60.0
    assert [data for _, _, data in box.poured(tmp_path / 'bag')] == [b'calibration']


def test_a_box_that_keeps_nothing_only_passes_on(tmp_path):
    box = Box(keep_s=0.0)
    box.take(b'before')
    assert box.state().held_messages == 0
    assert box.poured(tmp_path / 'bag') == []


def test_an_unknown_type_is_refused_at_once():
    with pytest.raises(BagError, match='was not found'):
        Box(keep_s=1.0).add_topic('/arm', 'robots/msg/Arm')


def test_a_topic_that_appears_while_the_box_is_open_reaches_the_bag(tmp_path):
    box = Box(keep_s=1.0)
    writer = BackgroundWriter(BagWriter(tmp_path / 'bag'), max_queue_bytes=NEVER_FULL)
    box.attach(writer)
    box.add_topic('/labels', LABELS, offered_qos=[LATCHED])
    box.take(message_bytes(LABELS, {}), topic='/labels')
    writer.close()
    with BagReader(tmp_path / 'bag') as bag:
        assert [message.topic for message in bag.messages()] == ['/labels']
