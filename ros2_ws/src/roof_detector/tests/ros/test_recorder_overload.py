# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A recorder that cannot keep up, beside a detector that must not notice."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray

from roof_detector.bags.reader import BagReader

FRAMES = 25  # more than what DDS keeps of images for a recorder that stands still
IMAGES, DETECTIONS = '/image', '/detector/detections'
PICTURE = np.zeros((120, 160, 3), np.uint8)


class Recorder:
    """A recorder's process, and what it says of itself."""

    def __init__(self, graph, node, folder):
        self.graph, self.bag = graph, folder / 'bag'
        self.reports = []
        node.create_subscription(DiagnosticArray, '/diagnostics', self._take, 10)
        options = {
            'record': 'true',
            'output_directory': folder,
            'bag_name': 'bag',
            'topics': f'[{IMAGES}, {DETECTIONS}]',
            'min_free_gb': 0.0,
        }
        arguments = [
            part for name, value in options.items() for part in ('-p', f'{name}:={value}')
        ]
        self.process = graph.start(
            'roof_detector.ros.recorder.recorder_node', '--ros-args', *arguments
        )

    def count(self, topic, kind='received'):
        return int(self.reports[-1].get(f'{kind}.{topic}', 0)) if self.reports else 0

    def arrived_or_lost(self, topic):
        return self.count(topic) + self.count(topic, 'lost_before_arrival')

    def wait_for_next_report(self):
        """Wait for what was said after all that arrived before this call."""
        seen = len(self.reports)
        self.graph.wait_until(lambda: len(self.reports) > seen + 1, what='two reports')

    def _take(self, array):
        for status in array.status:
            if status.name.startswith('recorder'):
                self.reports.append({pair.key: pair.value for pair in status.values})


@pytest.mark.timeout(300)
def test_a_recorder_that_stands_still_costs_the_detector_nothing_and_counts_its_losses(
    graph, make_probe, tmp_path
):
    # A small network: DDS forgets a process that is silent for 20 s.
    probe = make_probe(graph, arguments=['image_size:=64'])
    recorder = Recorder(graph, probe.node, tmp_path)
    graph.wait_until(lambda: probe.images.get_subscription_count() == 2, what='the recorder')
    while not (recorder.count(IMAGES) and recorder.count(DETECTIONS)):
        probe.send_and_wait(PICTURE)
        recorder.wait_for_next_report()
    before = {topic: recorder.arrived_or_lost(topic) for topic in (IMAGES, DETECTIONS)}
    recorder.process.send_signal(signal.SIGSTOP)
    # One frame at a time: every one gets its result while the recorder stands still.
    for _ in range(FRAMES):
        probe.send_and_wait(PICTURE)
    recorder.process.send_signal(signal.SIGCONT)
    probe.send_and_wait(PICTURE)
    for topic, already in before.items():
        graph.wait_until(
            lambda: recorder.arrived_or_lost(topic) - already == FRAMES + 1,  # noqa: B023
            what=f'{topic} accounted for',
        )
    assert recorder.count(IMAGES, 'lost_before_arrival') > 0
    assert int(probe.report()['frames_dropped']) == 0
    code, output = graph.stop(recorder.process)
    assert code == 0, output
    with BagReader(recorder.bag) as bag:
        counts = {topic.name: topic.message_count for topic in bag.topics}
    assert [counts[topic] for topic in before] == [recorder.count(topic) for topic in before]
