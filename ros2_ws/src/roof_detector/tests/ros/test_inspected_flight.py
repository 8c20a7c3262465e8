# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A simulated flight with the inspector in processes of their own, up to a kill."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter

import numpy as np
import pyogrio
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from inspected_roof import LATCHED, places_of
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import Image
from std_msgs.msg import Header, String
from vision_msgs.msg import Detection2DArray, Detection3DArray, LabelInfo

from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.ros.common.messages import labels_message
from roof_detector.simulation import CLASS_NAMES, RoofWorld

FLIGHT = 'roof_detector.ros.camera.simulated_flight_node'
INSPECTOR = 'roof_detector.ros.inspector.inspector_node'
FRAMES = 60


class TruthDetector:
    """Publishes the true boxes of a simulated flight as a detector's."""

    def __init__(self, graph):
        self.node = graph.node('detector')
        self.truth, self.frames = [], 0
        self.events, self.findings, self.values = [], [], {}
        self._found = self.node.create_publisher(Detection2DArray, '/detector/detections', 50)
        self._labels = self.node.create_publisher(LabelInfo, '/detector/labels', LATCHED)
        self._poses = {}
        listen = self.node.create_subscription
        self._telling = [
            listen(Detection2DArray, '/camera/ground_truth', self._detect, 2 * FRAMES),
            listen(PoseStamped, '/camera/pose', self._note_pose, 2 * FRAMES),
        ]
        listen(Detection3DArray, '/inspector/findings', self.findings.append, LATCHED)
        listen(String, '/inspector/events', self._note_event, LATCHED)
        listen(DiagnosticArray, '/diagnostics', self._note_status, 50)
        self.node.create_timer(0.2, self._announce)

    def true_places(self, *, least=1):
        """Return class and place in the map of each object that was detected so often, by id."""
        counts = Counter(name for name, *_ in self.truth)
        found = {}
        for name, stamp, class_name, point in self.truth:
            if counts[name] >= least and stamp in self._poses:
                pose = self._poses[stamp]
                at, turn = pose.position, pose.orientation
                rotation = Rotation.from_quat([turn.x, turn.y, turn.z, turn.w])
                place = rotation.apply([point.x, point.y, point.z]) + np.array([at.x, at.y, at.z])
                found[name] = class_name, place
        return found

    def is_heard(self):
        """Return whether the inspector listens to this, and this to the flight."""
        hears = all(one.get_publisher_count() for one in self._telling)
        return hears and self._found.get_subscription_count() > 0

    def is_inspected(self):
        """Return whether the inspector has taken every frame."""
        return self.values.get('frames_inspected') == str(FRAMES)

    def state(self):
        """Return what changes while frames are still on their way."""
        reported = self.findings[-1].detections if self.findings else []
        return self.frames, self.is_inspected(), [one.id for one in reported]

    def _announce(self):
        self._labels.publish(labels_message(CLASS_NAMES, threshold=0.25, header=Header()))

    def _note_event(self, message):
        self.events.append(json.loads(message.data))

    def _note_status(self, message):
        for one in message.status:
            values = {pair.key: pair.value for pair in one.values}
            if 'frames_inspected' in values:
                self.values = values

    def _note_pose(self, message):
        self._poses[message.header.stamp.sec, message.header.stamp.nanosec] = message.pose

    def _detect(self, message):
        self.frames += 1
        stamp = message.header.stamp.sec, message.header.stamp.nanosec
        for one in message.detections:
            result = one.results[0]
            result.hypothesis.score = 0.95
            self.truth.append(
                (one.id, stamp, result.hypothesis.class_id, result.pose.pose.position)
            )
            one.id = ''
        self._found.publish(message)


class Changes:
    """Tells since when a value has been as it is."""

    def __init__(self, look):
        self._look, self._seen, self._since_s = look, None, 0.0

    def age_s(self):
        seen, now_s = self._look(), time.monotonic()
        if seen != self._seen:
            self._seen, self._since_s = seen, now_s
        return now_s - self._since_s


@pytest.fixture
def flown(graph, tmp_path):
    """Return the detector, the inspector's process and its folder after a short flight."""
    height = max(one.footprint.height for one in RoofWorld.generate(seed=1).buildings)
    detector = TruthDetector(graph)
    options = {
        'ground_m': f'{height}',
        'findings_directory': f'{tmp_path}',
        'update_period_s': '0.3',
        'telemetry_wait_s': '8.0',  # however busy this computer is
    }
    words = [word for name, value in options.items() for word in ('-p', f'{name}:={value}')]
    inspector = graph.start(INSPECTOR, '--ros-args', '-r', 'image:=/camera/image', *words)
    flight = {
        'seed': '1', 'frames': f'{FRAMES}', 'width': '320', 'height': '192', 'rate_hz': '8.0',
        'wait_for_subscribers': '1', 'wait_for_all_topics': 'true', 'wait_timeout_s': '300.0',
    }  # fmt: skip
    words = [word for name, value in flight.items() for word in ('-p', f'{name}:={value}')]
    graph.start(FLIGHT, '--ros-args', *words)
    graph.wait_until(detector.is_heard, what='the inspector to listen')
    # The flight hears of readers in the order in which they began, of this one last; of the
    # inspector's that of camera_info is the last one.
    detector.node.create_subscription(Image, '/camera/image', lambda _: None, 1)
    graph.wait_until(lambda: detector.frames == FRAMES, what='the flight')
    return detector, inspector, tmp_path


def test_a_simulated_flight_gives_its_objects_and_a_kill_costs_none(graph, flown):
    detector, inspector, folder = flown
    # The last frame has no telemetry behind it, and is waited for as long as any. What is
    # published is written within a second; here it may take the computer longer.
    changes = Changes(detector.state)
    graph.wait_until(
        lambda: changes.age_s() > 3.0 and detector.is_inspected(),
        what='findings that stay as they are',
    )
    inspector.send_signal(signal.SIGKILL)
    inspector.wait()
    often = detector.true_places(least=5)
    assert len(often) >= 3, 'another part of the flight is needed'
    reported = detector.findings[-1].detections
    assert len(reported) >= len(often) - 2
    # Each object once: what is seen seldom can be a finding too.
    truth = list(detector.true_places().values())
    distances = np.array(
        [
            [
                np.linalg.norm(at[:2] - place) if called == class_name else np.inf
                for called, at in truth
            ]
            for class_name, place in zip(
                (one.results[0].hypothesis.class_id for one in reported),
                places_of(detector.findings[-1]),
                strict=True,
            )
        ]
    )
    assert len(reported) <= len(truth)
    pairs = linear_sum_assignment(np.minimum(distances, 1e6))
    # Two standard deviations of the error that is stated, and of the roofs' unknown heights.
    assert distances[pairs].max() < 4.0
    numbers = sorted(int(one.id) for one in reported)
    confirmed = [event['number'] for event in detector.events if event['event'] == 'confirmed']
    assert set(numbers) <= set(confirmed)
    path = folder / 'inspection.gpkg'
    with InspectionStore(path) as store:
        assert [one.number for one in store.findings()] == numbers
    assert pyogrio.read_info(path, layer='findings')['features'] == len(numbers)
