# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Send thousands of invalid messages and requests to running nodes, which must keep working.

A detector of two cameras, a recorder, a player and the station's ROS thread get messages with
anything in any field, bytes that are no messages, and requests that make no sense. After every
batch each camera's good frames have their results, the recorder takes in good messages, the
station shows good detections, the player's time goes on, every frame is accounted for, and every
request was answered.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2] / 'ros2_ws/src/roof_detector/tests/ros'))

import rclpy
from any_message import any_bytes, any_image, any_message
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import Parameter, ParameterEvent, ParameterValue
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.qos import qos_profile_sensor_data
from ros_graph import Graph
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, NavSatFix
from std_msgs.msg import String
from tiny_model import write_model
from two_cameras import TwoCameras
from vision_msgs.msg import Detection2DArray, LabelInfo

from benchmarks.campaign.result import CampaignOptions, Tally, run_campaign
from roof_detector.bags.finding_messages import header_values
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.writer import BagWriter
from roof_detector.station.ros_bridge import RosBridge

if TYPE_CHECKING:
    from random import Random

_BATCH = 100
_BATCHES, _SHORT_BATCHES = 60, 1
_WITHIN_S, _ASK_AGAIN_AFTER_S = 120.0, 10.0
_BEGIN_NS = 1_700_000_000_000_000_000
# What strangers send beside images, by topic.
_TOPICS = {
    '/detector/left/detections': Detection2DArray,
    '/detector/labels': LabelInfo,
    '/camera/camera_info': CameraInfo,
    '/camera/fix': NavSatFix,
    '/camera/pose': PoseStamped,
    '/recorder/mark': String,
    '/parameter_events': ParameterEvent,
    '/diagnostics': DiagnosticArray,
}
_NODES = ('/detector', '/recorder', '/player', '/station')
_SENSELESS_TRANSITIONS = (
    Transition.TRANSITION_ACTIVATE,
    Transition.TRANSITION_CONFIGURE,
    Transition.TRANSITION_CLEANUP,
    Transition.TRANSITION_UNCONFIGURED_SHUTDOWN,
    *(10, 60, 77, 255),
)


class Field:
    """All nodes running, an attacking node, and a monitor that judges them."""

    def __init__(self, folder: Path, random: Random) -> None:
        self.graph = Graph()
        self._random = random
        self._node = self.graph.node('attacker')
        self._clocks: list[Clock] = []
        self._node.create_subscription(
            Clock, '/clock', self._clocks.append, qos_profile_sensor_data
        )
        self._start_nodes(folder)
        station = rclpy.create_node('station', context=self.graph.context)
        self._station = self.graph.add(station)
        self.graph.executor.remove_node(station)
        self.bridge = RosBridge(station)
        self.bridge.__enter__()
        self.cameras = TwoCameras(self.graph, write_model(folder / 'tiny.onnx'))
        self._publishers = {
            topic: self._node.create_publisher(kind, topic, 50) for topic, kind in _TOPICS.items()
        }
        self._good = 0
        self._clients: dict[str, Any] = {}
        self._send_first_frames()

    def _start_nodes(self, folder: Path) -> None:
        topics = ','.join(f"'{name}'" for name in ('/left/image', *_TOPICS) if 'mark' not in name)
        values = {
            'record': 'true',
            'output_directory': str(folder),
            'min_free_gb': '0.0',
            'topics': f'[{topics}]',
        }
        options = [text for key, value in values.items() for text in ('-p', f'{key}:={value}')]
        recorder = self.graph.start(
            'roof_detector.ros.recorder.recorder_node', '--ros-args', *options
        )
        bag = str(_odd_bag(folder / 'odd'))
        player = self.graph.start('roof_detector.cli.main', 'play', bag, '--loop')
        self.processes = {'recorder': recorder, 'player': player}

    def _send_first_frames(self) -> None:
        """Send a frame from each camera alone: what is lost before a first one is not counted."""
        for camera in ('left', 'right'):
            self.cameras.send(camera, self.cameras.good())
        self.graph.wait_until(
            lambda: all(
                int(self.cameras.status(camera).get('frames_seen', 0)) > 0
                for camera in ('left', 'right')
            ),
            within_s=_WITHIN_S,
            what='the first frame of each camera',
        )

    def send(self, count: int) -> None:
        """Publish messages of all kinds, valid and invalid."""
        for _ in range(count):
            if self._random.random() < 0.6:
                camera = self._random.choice(('left', 'right'))
                self.cameras.send(camera, any_image(self._random))
            else:
                topic = self._random.choice(list(_TOPICS))
                make = self._random.choice((any_message, any_bytes))
                self._publishers[topic].publish(make(_TOPICS[topic], self._random))
            self.graph.executor.spin_once(timeout_sec=0.002)

    def request(self, tally: Tally) -> None:
        """Send invalid requests to each node; every one must be answered and refused."""
        for node in _NODES:
            value = any_message(ParameterValue, self._random)
            value.type = self._random.choice((10, 77, 200, 255))
            name = self._random.choice(('use_sim_time', 'confidence', 'topics', 'unknown'))
            parameters = [Parameter(name=name, value=value)]
            for kind, path in (
                (SetParameters, 'set_parameters'),
                (SetParametersAtomically, 'set_parameters_atomically'),
            ):
                request: Any = kind.Request(parameters=parameters)
                answer = self._ask(kind, f'{node}/{path}', request)
                results = getattr(answer, 'results', None) or [answer.result]
                refused = not any(result.successful for result in results)
                tally.check('request', f'{node} took {value}', holds=refused)
        transition = self._random.choice(_SENSELESS_TRANSITIONS)
        request = ChangeState.Request(transition=Transition(id=transition))
        answer = self._ask(ChangeState, '/detector/change_state', request)
        tally.check('request', f'transition {transition} was accepted', holds=not answer.success)

    def _ask(self, kind: Any, name: str, request: Any) -> Any:
        """Return the response; raise AssertionError if there is none.

        One client for each service, known to its server since before the first request: an answer
        that is sent before the server has heard of its client reaches nobody. A busy machine may
        be later with that, so what is not answered is asked again; it is refused each time.
        """
        client = self._clients.get(name)
        if client is None:
            client = self._clients[name] = self._node.create_client(kind, name)
            self.graph.wait_until(client.service_is_ready, within_s=_WITHIN_S, what=name)
            settled_s = time.monotonic() + 1.0
            while time.monotonic() < settled_s:
                self.graph.executor.spin_once(timeout_sec=0.05)
        asked_s, futures = 0.0, []

        def is_answered() -> bool:
            nonlocal asked_s
            if time.monotonic() - asked_s > _ASK_AGAIN_AFTER_S:
                asked_s = time.monotonic()
                futures.append(client.call_async(request))
            return any(future.done() for future in futures)

        self.graph.wait_until(is_answered, within_s=_WITHIN_S, what=f'a response of {name}')
        return next(future.result() for future in futures if future.done())

    def judge(self) -> None:
        """Raise AssertionError if something no longer works."""
        for name, process in {**self.processes, 'detector': self.cameras.process}.items():
            assert process.poll() is None, f'the {name} ended: {process.communicate()[0][-2000:]}'
        for camera in ('left', 'right'):
            self.cameras.expect_results(camera)
        self.cameras.settled()
        self._expect_recording()
        self._expect_on_the_station()
        count = len(self._clocks)
        self.graph.wait_until(
            lambda: len(self._clocks) > count + 5, within_s=_WITHIN_S, what="the player's time"
        )
        self._clocks.clear()

    def _expect_recording(self) -> None:
        def received() -> int:
            values: dict[str, str] = self.cameras.values.get('recorder: bag', {})
            return int(values.get('received./left/image', -1))

        before = -1

        def goes_on() -> bool:
            nonlocal before
            self.cameras.send('left', self.cameras.good())
            before = received() if before < 0 else before
            return 0 <= before < received()

        self.graph.wait_until(goes_on, within_s=_WITHIN_S, what='good images in the bag')

    def _expect_on_the_station(self) -> None:
        self._good += 1
        message = Detection2DArray()

        def shown() -> int:
            return sum(one.log.frames for one in self.bridge.cameras if 'left' in one.name)

        def is_shown() -> bool:
            message.header.stamp = self._node.get_clock().now().to_msg()
            frames = shown()
            self._publishers['/detector/left/detections'].publish(message)
            self.graph.executor.spin_once(timeout_sec=0.05)
            return shown() > frames

        self.graph.wait_until(is_shown, within_s=_WITHIN_S, what='good detections on the station')

    def close(self) -> None:
        """End all nodes."""
        self.bridge.__exit__(None, None, None)
        self.graph.close()


def _odd_bag(path: Path) -> Path:
    """Return a bag whose times jump by years and whose records are not messages."""
    kind = 'sensor_msgs/msg/NavSatFix'
    with BagWriter(path) as writer:
        writer.add_topic('/played/fix', kind)
        for number in range(20):
            log_ns = _BEGIN_NS + number * 10**8 + (number % 5 == 4) * 10**17
            header = header_values(-(10**9) if number % 3 else log_ns, 'gps')
            data = message_bytes(kind, {'header': header})
            writer.write('/played/fix', data[: 7 if number % 4 == 3 else None], log_time_ns=log_ns)
    return path


def attempt(options: CampaignOptions, tally: Tally) -> None:
    """Send one batch after another, with a check after each."""
    random = options.random()
    longest_s, sent = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        field = Field(Path(folder), random)
        try:
            for _ in range(_SHORT_BATCHES if options.short else _BATCHES):
                field.send(_BATCH)
                sent += _BATCH
                try:
                    field.request(tally)
                    began_s = time.monotonic()
                    field.judge()
                except AssertionError as error:
                    tally.failed('message', str(error))
                    return
                longest_s = max(longest_s, time.monotonic() - began_s)
                tally.held('message', times=_BATCH)
        finally:
            field.close()
    tally.figures |= {'messages': sent, 'longest_judgement_s': round(longest_s, 1)}


if __name__ == '__main__':
    sys.exit(run_campaign('messages', attempt))
