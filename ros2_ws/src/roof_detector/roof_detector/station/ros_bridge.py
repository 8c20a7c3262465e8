# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The connection of the ground station to the ROS graph."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rcl_interfaces.msg import ParameterEvent
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]  # its home in Humble
from rclpy.qos import QoSProfile

from roof_detector.doctor.graph_snapshot import NodeReport
from roof_detector.ros.common.guarded_executor import GuardedExecutor
from roof_detector.ros.common.node_diagnostics import NodeDiagnostics
from roof_detector.station.detector_link import DetectorLink
from roof_detector.station.live_frames import LiveFrames
from roof_detector.station.recorder_link import RecorderLink
from roof_detector.supervision.health import Delivery, health
from roof_detector.supervision.rate import Arrivals
from roof_detector.supervision.watched_thread import WatchedThread

if TYPE_CHECKING:
    from rclpy.node import Node

    from roof_detector.station.camera_link import CameraLink

_LABELS = 'vision_msgs/msg/LabelInfo'
_DETECTIONS = 'vision_msgs/msg/Detection2DArray'
_RECORD = 'std_srvs/srv/SetBool'
_UPDATE_PERIOD_S = 0.2
# A node without reports for this long is shown as stale.
_STALE_AFTER_S = 5.0
# Untrusted nodes may publish under any number of names.
_MOST_DETECTORS, _MOST_CAMERAS, _MOST_REPORTS = 20, 50, 500


class RosBridge:
    """The station's links to detectors and recorders, updated in a thread of its own.

    The page may read everything at any time. Nothing here waits for the page, and the page waits
    for ROS only in methods that it awaits.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.detectors: tuple[DetectorLink, ...] = ()
        self.recorder: RecorderLink | None = None
        self.refused: Counter[str] = Counter()
        self.live_frames = LiveFrames()
        self._reports: dict[str, tuple[float, NodeReport]] = {}
        self._executor = GuardedExecutor(context=node.context)
        self._executor.add_node(node)
        self._stopped = threading.Event()
        self._arrivals = Arrivals()
        self._make_thread()
        node.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 50)
        node.create_subscription(
            ParameterEvent, '/parameter_events', self._on_parameter_event, QoSProfile(depth=100)
        )
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        node.create_timer(_UPDATE_PERIOD_S, self._update_links, clock=steady)
        name = f'{node.get_fully_qualified_name().lstrip("/")}: page'
        self._own_name = name
        self._diagnostics = NodeDiagnostics(node, lambda: [self._status()], names=[name])

    @property
    def cameras(self) -> tuple[CameraLink, ...]:
        """Return the cameras of all detectors."""
        return tuple(camera for detector in self.detectors for camera in detector.cameras)

    @property
    def diagnostics(self) -> tuple[NodeReport, ...]:
        """Return the latest report of each status by name; level 3 if it is outdated."""
        now_s = time.monotonic()
        return tuple(
            report if now_s - reported_s < _STALE_AFTER_S else replace(report, level=3)
            for _, (reported_s, report) in sorted(self._reports.items())
        )

    def camera(self, name: str) -> CameraLink | None:
        """Return the camera of this name; '' stands for the first."""
        return next((one for one in self.cameras if name in ('', one.name)), None)

    def detector(self, name: str) -> DetectorLink | None:
        """Return the detector of this name; '' stands for the first."""
        return next((one for one in self.detectors if name in ('', one.name)), None)

    def report(self, node_name: str) -> NodeReport | None:
        """Return the latest report of the node with this full name."""
        start = f'{node_name.lstrip("/")}: '
        return next((one for one in self.diagnostics if one.name.startswith(start)), None)

    def __enter__(self) -> RosBridge:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.wait_for_end()
        self._diagnostics.close()
        for detector in self.detectors:
            detector.close()
        if self.recorder is not None:
            self.recorder.close()
        self._executor.shutdown()

    def _make_thread(self) -> None:
        self._thread = WatchedThread(self._spin, name='ros_bridge', restart=self._replace)

    def _replace(self, problem: str) -> None:
        """Replace the thread after it has died."""
        if self._thread.is_alive():
            # Its callback has not returned: until then rclpy runs no other callback.
            raise RuntimeError(problem)
        self._thread.abandon()
        if not self._stopped.is_set():
            self._make_thread()
            self._thread.start()

    def _spin(self) -> None:
        heart = self._thread.heart
        while not self._stopped.is_set() and self.node.context.ok():
            heart.begin('running a callback')
            self._executor.spin_once(timeout_sec=0.1)

    def _status(self) -> DiagnosticStatus:
        arrivals = self._arrivals
        pages = [camera.video for camera in self.cameras if camera.video.is_listening]
        verdict = health(
            working=f'{len(self.detectors)} detectors, {len(self.cameras)} cameras.',
            missing=[
                Delivery('No diagnostics of a drone arrive', arrivals.silent_s, arrivals.usual_s),
                *(video.delivery for video in pages),
            ],
            has_arrived=arrivals.count > 0,
        )
        refused = sum((camera.log.refused for camera in self.cameras), Counter(self.refused))
        values = {
            'detectors': len(self.detectors),
            'cameras': len(self.cameras),
            **{f'refused.{cause}': count for cause, count in sorted(refused.items())},
        }
        return DiagnosticStatus(
            level=bytes([verdict.level]),
            name=self._own_name,
            message=verdict.message,
            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
        )

    def _update_links(self) -> None:
        topics = {name: kinds[0] for name, kinds in self.node.get_topic_names_and_types() if kinds}
        published = {
            name
            for name, kind in topics.items()
            if kind in (_LABELS, _DETECTIONS) and self.node.count_publishers(name)
        }
        known = {detector.name for detector in self.detectors}
        for name in sorted(published):
            owner, _, last = name.rpartition('/')
            is_new = last == 'labels' and topics[name] == _LABELS and owner not in known
            if is_new and len(self.detectors) < _MOST_DETECTORS:
                self.detectors += (DetectorLink(self.node, owner, frames=self.live_frames),)
        for detector in self.detectors:
            detector.find_cameras(
                frozenset(
                    sorted(
                        name.rpartition('/')[0]
                        for name in published
                        if name.startswith(f'{detector.name}/') and name.endswith('/detections')
                    )[:_MOST_CAMERAS]
                )
            )
            for camera in detector.cameras:
                camera.update()
            if not detector.parameters.all:
                detector.parameters.refresh()
        self._find_recorder()

    def _find_recorder(self) -> None:
        if self.recorder is None:
            services = dict(self.node.get_service_names_and_types())
            for name, kinds in sorted(services.items()):
                owner, _, last = name.rpartition('/')
                if last == 'record' and _RECORD in kinds and f'{owner}/trigger' in services:
                    self.recorder = RecorderLink(self.node, owner)
                    return
        elif not self.recorder.parameters.all:
            self.recorder.parameters.refresh()

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        now_s = time.monotonic()
        if any(status.name != self._own_name for status in message.status):
            self._arrivals.note()
        for status in message.status:
            if status.name not in self._reports and len(self._reports) >= _MOST_REPORTS:
                self.refused['more nodes than are shown'] += 1
                continue
            self._reports[status.name] = (
                now_s,
                NodeReport(
                    name=status.name,
                    level=int.from_bytes(status.level, 'little'),
                    message=status.message,
                    values={pair.key: pair.value for pair in status.values},
                ),
            )

    def _on_parameter_event(self, event: ParameterEvent) -> None:
        links: list[Any] = [*self.detectors, *([self.recorder] if self.recorder else [])]
        for link in links:
            if link.name == event.node:
                link.parameters.refresh()
