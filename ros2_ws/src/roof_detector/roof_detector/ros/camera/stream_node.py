# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The base of the nodes that publish frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rclpy.node import Node

from roof_detector.inputs.prefetcher import Prefetcher
from roof_detector.ros.camera.camera_diagnostics import camera_status
from roof_detector.ros.camera.playback import Playback
from roof_detector.ros.camera.stream_parameters import StreamSettings, stream_settings
from roof_detector.ros.common.camera_topics import CameraTopics
from roof_detector.ros.common.node_diagnostics import NodeDiagnostics
from roof_detector.ros.common.ros_log_handler import RosLogHandler
from roof_detector.supervision.rate import Growth
from roof_detector.supervision.watched_thread import current_heart

if TYPE_CHECKING:
    from collections.abc import Iterable

    from diagnostic_msgs.msg import DiagnosticStatus

    from roof_detector.inputs.input import InputHealth
    from roof_detector.ros.common.outgoing import OutgoingFrame
    from roof_detector.ros.common.parameters import ParameterTable

# Frames prepared before they are due: enough for one slow frame, little memory at 4K.
_FRAMES_AHEAD = 4
_LAST_REPORT_S = 10.0
_STOP_S = 5.0


class StreamNode(Node):
    """A node that publishes frames and diagnostics and ends with its frames.

    A subclass provides the frames (`play`) and the state of their source (`health`).
    """

    def __init__(self, *, table: ParameterTable, **options: Any) -> None:
        # Every node that takes the camera's place has its name, and so the same topics.
        super().__init__('camera', **options)
        self.values = table.declare(self)
        self.settings = stream_settings(self.values)
        self._log_handler = RosLogHandler.install(self)
        table.watch(self, check=stream_settings, apply=self._apply)
        self._playback: Playback | None = None
        self._ahead: Prefetcher[OutgoingFrame] | None = None
        self._topics: CameraTopics | None = None
        self._source_name = ''
        self._source_error = ''
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
        """Start to publish frames; with `ahead` a thread of its own prepares them."""
        self._source_name = name
        self._topics = CameraTopics(self, self.settings, roles=roles)
        if ahead:
            frames = self._ahead = Prefetcher(frames, depth=_FRAMES_AHEAD)
        self._playback = Playback(
            frames,
            topics=self._topics,
            settings=self.settings,
            now_ns=lambda: self.get_clock().now().nanoseconds,
            on_end=self._end.trigger,
            errors=errors,
        )
        self._playback.start()

    def health(self) -> InputHealth | None:
        """Return the state of the source; None if the playback's report says it all."""
        return None

    def stop_source(self) -> None:
        """End the iteration over the source; called before the threads are joined."""

    def apply(self, settings: StreamSettings) -> None:
        """Use changed settings from the next frame on."""

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
        self._log_handler.close()
        super().destroy_node()

    def _apply(self, settings: StreamSettings) -> None:
        self.settings = settings
        self.apply(settings)

    def _finish(self) -> None:
        assert self._playback is not None
        self._diagnostics.publish()
        report = self._playback.report()
        # Tools that count frames need the last report, so it is delivered before the process ends.
        # On a busy computer its readers take longer to confirm it than a callback may take.
        with current_heart().patient('waiting for readers', patience_s=_LAST_REPORT_S):
            self._diagnostics.wait_for_readers(within_s=1.0)
        if report.error:
            self.get_logger().error(report.error)
            raise SystemExit(1)
        unreadable = getattr(self.health(), 'unreadable', 0)
        self.get_logger().info(
            f'Published {report.published} frames of {self._source_name}; {report.late} were late '
            f'and {unreadable} could not be read.'
        )
        if self.settings.at_end == 'exit':
            raise SystemExit(0)

    def _statuses(self) -> list[DiagnosticStatus]:
        if self._playback is None or self._topics is None:
            return []
        health = self.health()
        if health is not None and health.warning != self._source_error:
            self._source_error = health.warning
            if health.warning:
                self.get_logger().warning(health.warning)
            elif health.connected:
                self.get_logger().info(f'{self._source_name} delivers images again.')
        status = camera_status(
            name=self._status_name,
            source=self._source_name,
            report=self._playback.report(),
            listeners=self._topics.listeners(),
            health=health,
            unreadable_now=health is not None and self._unreadable.is_recent(health.unreadable),
        )
        return [status]
