# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the nodes that publish frames have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node

from roof_detector.inputs.input import InputHealth
from roof_detector.inputs.prefetcher import Prefetcher
from roof_detector.ros.camera.camera_diagnostics import camera_status
from roof_detector.ros.camera.playback import Playback
from roof_detector.ros.camera.stream_parameters import StreamSettings, stream_settings
from roof_detector.ros.common.camera_topics import CameraTopics
from roof_detector.ros.common.node_diagnostics import NodeDiagnostics
from roof_detector.ros.common.outgoing import OutgoingFrame
from roof_detector.ros.common.parameters import ParameterTable
from roof_detector.supervision.rate import Growth

# Frames made ready before they are due: enough for one that takes long, little memory at 4K.
_FRAMES_AHEAD = 4
_STOP_S = 5.0


class StreamNode(Node):
    """Publish frames under `~/image` and so on, report to /diagnostics, and end with the frames.

    A subclass says what the frames are (`play`) and how its source is doing (`health`).
    """

    def __init__(self, *, table: ParameterTable, **options: Any) -> None:
        # One name for every node that stands where the camera stands: its topics are the same.
        super().__init__('camera', **options)
        self.values = table.declare(self)
        self.settings = stream_settings(self.values)
        table.watch(self, check=stream_settings, apply=self._apply)
        self._playback: Playback | None = None
        self._ahead: Prefetcher[OutgoingFrame] | None = None
        self._topics: CameraTopics | None = None
        self._source_name = ''
        self._trouble = ''
        self._said: set[str] = set()
        self._unreadable = Growth()
        self._end = self.create_guard_condition(self._finish)
        self._status_name = f'{self.get_fully_qualified_name().lstrip("/")}: frames'
        self._diagnostics = NodeDiagnostics(self, self._statuses, names=[self._status_name])

    def play(
        self,
        frames: Iterable[OutgoingFrame],
        *,
        name: str,
        roles: frozenset[str],
        errors: tuple[type[Exception], ...],
        ahead: bool,
    ) -> None:
        """Begin to publish frames; `ahead` makes them ready in a thread of their own."""
        self._source_name = name
        self._topics = CameraTopics(self, self.settings, roles=roles)
        if ahead:
            frames = self._ahead = Prefetcher(frames, depth=_FRAMES_AHEAD)
        self._playback = Playback(
            frames,
            topics=self._topics,
            settings=self.settings,
            now_ns=lambda: self.get_clock().now().nanoseconds,
            say=self.say_once,
            finished=self._end.trigger,
            errors=errors,
        )
        self._playback.start()

    def health(self) -> InputHealth | None:
        """Return how the source is doing, where that is more than the playback's report."""
        return None

    def stop_source(self) -> None:
        """Make the source end its iteration; called before the threads are waited for."""

    def apply(self, settings: StreamSettings) -> None:
        """Use changed settings from the next frame on."""

    def say_once(self, sentence: str) -> None:
        """Log a warning, once."""
        if sentence not in self._said:
            self._said.add(sentence)
            self.get_logger().warning(sentence)

    def destroy_node(self) -> None:
        """Stop the threads, then the node."""
        self.stop_source()
        if self._playback is not None:
            self._playback.stop()
        if self._ahead is not None:
            self._ahead.stop()
            self._ahead.join(_STOP_S)
        if self._playback is not None:
            self._playback.join(_STOP_S)
        self._diagnostics.close()
        super().destroy_node()

    def _apply(self, settings: StreamSettings) -> None:
        self.settings = settings
        self.apply(settings)

    def _finish(self) -> None:
        assert self._playback is not None
        self._diagnostics.publish()
        report = self._playback.report()
        # Whoever counts the frames needs the last report; it must not go down with the process.
        self._diagnostics.wait_for_readers(within_s=1.0)
        if report.error:
            self.get_logger().error(report.error)
            raise SystemExit(1)
        unreadable = getattr(self.health(), 'unreadable', 0)
        self.get_logger().info(
            f'Sent {report.published} frames of {self._source_name}; {report.late} were late, '
            f'{unreadable} could not be read.'
        )
        if self.settings.at_end == 'exit':
            raise SystemExit(0)

    def _statuses(self) -> list[DiagnosticStatus]:
        if self._playback is None or self._topics is None:
            return []
        health = self.health()
        if health is not None and health.warning != self._trouble:
            self._trouble = health.warning
            if health.warning:
                self.get_logger().warning(health.warning)
            elif health.connected:
                self.get_logger().info(f'{self._source_name} gives pictures again.')
        status = camera_status(
            name=self._status_name,
            source=self._source_name,
            report=self._playback.report(),
            listeners=self._topics.listeners(),
            health=health,
            unreadable_now=health is not None and self._unreadable.is_recent(health.unreadable),
        )
        return [status]
