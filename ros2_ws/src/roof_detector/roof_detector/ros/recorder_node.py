# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The recorder: a node of its own process, so that a slow disk never delays detection."""

from __future__ import annotations

import sys
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]  # its home in Humble
from rclpy.node import Node
from std_srvs.srv import SetBool

from roof_detector.bags.disk import free_bytes
from roof_detector.bags.errors import BagError
from roof_detector.ros.node_process import run_node
from roof_detector.ros.recorder_diagnostics import recorder_status
from roof_detector.ros.recorder_parameters import RECORDER_TABLE, RecorderSettings
from roof_detector.ros.recording import Recording, RecordingReport

# A volatile message published before a topic is discovered is missed, as by any subscriber.
_DISCOVERY_PERIOD_S = 0.1
_DIAGNOSTICS_PERIOD_S = 1.0


class RecorderNode(Node):
    """Record topics into MCAP bags, from the start or by service, and outlive every failure."""

    def __init__(self, **options: Any) -> None:
        super().__init__('recorder', **options)
        values = RECORDER_TABLE.declare(self)
        self._settings = RecorderSettings.of(values)
        RECORDER_TABLE.watch(self, check=RecorderSettings.of, apply=self._take_over)
        self._recording: Recording | None = None
        self._last_report: RecordingReport | None = None
        self._failure = ''
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self.create_service(SetBool, '~/record', self._on_record)
        # Simulated time may stand still; looking after the bag may not.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_DISCOVERY_PERIOD_S, self._look_after_recording, clock=steady)
        self.create_timer(_DIAGNOSTICS_PERIOD_S, self._publish_diagnostics, clock=steady)
        if self._settings.record:
            self._start()

    def destroy_node(self) -> None:
        """Finish the bag, then leave the graph."""
        self._stop()
        super().destroy_node()

    def _take_over(self, settings: RecorderSettings) -> None:
        self._settings = settings  # for the next recording; one in progress keeps its own

    def _on_record(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        if request.data:
            response.success, response.message = self._start()
        else:
            response.success, response.message = self._stop()
        return response

    def _start(self) -> tuple[bool, str]:
        """Begin a bag; return whether that worked, and the bag's path or the reason."""
        if self._recording is not None:
            return False, f'Already recording to {self._recording.path}.'
        try:
            self._recording = Recording(self, self._settings)
        except BagError as error:
            self._failure = str(error)
            self.get_logger().error(f'Not recording: {error}')
            return False, str(error)
        self._failure = ''
        self.get_logger().info(f'Recording to {self._recording.path}.')
        return True, str(self._recording.path)

    def _stop(self) -> tuple[bool, str]:
        """Finish the bag; return whether it is whole, and its path or the reason."""
        if self._recording is None:
            return False, 'Not recording.'
        recording, self._recording = self._recording, None
        report = self._last_report = recording.close()
        self._failure = report.writing.failure
        if self._failure:
            self.get_logger().error(f'Recording stopped: {self._failure}')
            return False, self._failure
        lost = f', {report.dropped} lost' if report.dropped else ''
        self.get_logger().info(
            f'Recorded {report.writing.message_count} messages '
            f'({report.writing.size_bytes / 1e6:.1f} MB{lost}) to {report.path}.'
        )
        return True, str(report.path)

    def _look_after_recording(self) -> None:
        if self._recording is None:
            return
        if self._recording.failure:
            self._stop()
        else:
            self._recording.refresh()

    def _publish_diagnostics(self) -> None:
        if self._recording is not None:
            self._last_report = self._recording.report()
        array = DiagnosticArray()
        array.header.stamp = self.get_clock().now().to_msg()
        array.status = [
            recorder_status(
                name=f'{self.get_fully_qualified_name().lstrip("/")}: bag',
                recording=self._recording is not None,
                report=self._last_report,
                failure=self._failure,
                free_bytes=free_bytes(self._settings.output_directory),
            )
        ]
        self._diagnostics.publish(array)


def main() -> None:
    """Run the recorder until it is interrupted."""
    sys.exit(run_node(RecorderNode))


if __name__ == '__main__':
    main()
