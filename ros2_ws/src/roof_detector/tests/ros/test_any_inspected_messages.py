# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Whatever arrives on any topic that an inspector takes, good frames get their place after it."""

from __future__ import annotations

from random import Random

import pytest
from any_message import any_bytes, any_message
from geometry_msgs.msg import PoseStamped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inspected_roof import NAMES, InspectedRoof
from sensor_msgs.msg import CameraInfo, NavSatFix
from vision_msgs.msg import Detection2DArray, LabelInfo

MODULE = 'roof_detector.ros.inspector.inspector_node'
KINDS = (NavSatFix, PoseStamped, CameraInfo, Detection2DArray, LabelInfo)
live = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
# A seed, not a draw for each number: a message takes thousands.
contents = st.tuples(st.sampled_from(range(len(KINDS))), st.integers(0, 2**32 - 1))


class Sky:
    """An inspector in a process of its own, a drone, and strangers around it."""

    def __init__(self, graph, folder):
        self.roof, self.index = InspectedRoof(graph), 0
        values = {
            'class_names': f'[{",".join(NAMES)}]',
            'findings_directory': folder,
            'most_objects': 500,
            'update_period_s': 0.2,
        }
        options = [word for key, value in values.items() for word in ('-p', f'{key}:={value}')]
        self.process = graph.start(MODULE, '--ros-args', '-r', 'image:=/camera/image', *options)
        self.roof.wait(self.roof.is_ready, what='an inspector that hears everything')

    def send(self, kind, content):
        publishers = {
            **self.roof.telemetry,
            Detection2DArray: self.roof.detections,
            LabelInfo: self.roof.labels,
        }
        publishers[kind].publish(content)
        self.roof.spin(0.002)

    def expect_places(self):
        """Fly on; each good frame has its detections back, and they have their places."""
        before = int(self.roof.values['frames_placed'])
        self.roof.labelled.clear()
        self.roof.fly(first=self.index, frames=8)
        stamps = {(m.header.stamp.sec, m.header.stamp.nanosec) for m in self.good(8)}
        self.index += 8
        self.roof.wait(
            lambda: (
                stamps
                <= {(m.header.stamp.sec, m.header.stamp.nanosec) for m in self.roof.labelled}
            ),
            what='the detections of good frames',
        )
        self.roof.wait(
            lambda: int(self.roof.values['frames_placed']) >= before + 3,
            what='places of good frames',
        )
        assert self.process.poll() is None

    def good(self, count):
        return [self.roof.found(index) for index in range(self.index, self.index + count)]


@pytest.fixture(scope='module')
def sky(shared_graph, tmp_path_factory):
    return Sky(shared_graph, tmp_path_factory.mktemp('inspection'))


@live
@given(batch=st.lists(contents, max_size=50))
def test_after_any_messages_good_frames_have_their_places(sky, batch):
    if not sky.index:
        sky.expect_places()
    for number, seed in batch:
        kind, random = KINDS[number], Random(seed)
        content = any_bytes if random.random() < 0.4 else any_message
        sky.send(kind, content(kind, random))
    sky.expect_places()


def test_what_could_not_be_used_is_counted(sky):
    sky.expect_places()
    values = sky.roof.values
    assert any(key.startswith('left_out./camera/fix') for key in values)
    assert any(key.startswith('left_out./detector/detections') for key in values)
    assert values['threads'].count('inspection') == 2
