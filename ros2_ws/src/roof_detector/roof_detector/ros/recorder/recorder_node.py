# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The recorder: a node of its own process, so that a slow disk never delays detection."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]  # its home in Humble
from rclpy.node import Node
from rclpy.serialization import deserialize_message
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from roof_detector.bags.disk import free_bytes
from roof_detector.ros.common.message_times import message_times_ns
from roof_detector.ros.common.node_diagnostics import NodeDiagnostics
from roof_detector.ros.common.node_process import run_node
from roof_detector.ros.common.ros_log_handler import RosLogHandler
from roof_detector.ros.recorder.flight_recorder import FlightRecorder
from roof_detector.ros.recorder.listening import MARKS
from roof_detector.ros.recorder.recorder_diagnostics import recorder_status
from roof_detector.ros.recorder.recorder_parameters import RECORDER_TABLE, RecorderSettings
from roof_detector.supervision.rate import Growth

if TYPE_CHECKING:
    from diagnostic_msgs.msg import DiagnosticStatus

# A volatile message published before a topic is discovered is missed, as by any subscriber.
_DISCOVERY_PERIOD_S = 0.1
_DIAGNOSTICS_PERIOD_S = 1.0


class RecorderNode(Node):
    """Record topics into MCAP bags: from the start, by service or as a black box.

    It outlives every failure to write.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__('recorder', **options)
        values = RECORDER_TABLE.declare(self)
        self._settings = RecorderSettings.of(values)
        self._log_handler = RosLogHandler.install(self)
        RECORDER_TABLE.watch(self, check=RecorderSettings.of, apply=self._take_over)
        self._recorder = FlightRecorder(self, self._settings)
        self._losses = Growth()
        self.create_service(SetBool, '~/record', self._on_record)
        self.create_service(Trigger, '~/trigger', self._on_trigger)
        self.create_subscription(String, MARKS, self._on_mark, 50, raw=True)  # type: ignore[arg-type]
        # Simulated time may stand still; looking after the bag may not.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_DISCOVERY_PERIOD_S, self._recorder.look_after, clock=steady)
        name = f'{self.get_fully_qualified_name().lstrip("/")}: bag'
        self._diagnostics = NodeDiagnostics(
            self,
            lambda: [self._status(name)],
            names=[name],
            period_s=_DIAGNOSTICS_PERIOD_S,
        )
        if self._settings.record:
            self._recorder.begin()

    def destroy_node(self) -> None:
        """Finish the bags, then leave the graph."""
        self._recorder.close()
        self._diagnostics.close()
        self._log_handler.close()
        super().destroy_node()

    def save_all(self) -> None:
        """Finish the bags from another thread, where the executor's thread hangs for good."""
        self._recorder.save_all()

    def _take_over(self, settings: RecorderSettings) -> None:
        self._settings = settings
        self._recorder.take_over(settings)

    def _on_record(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        act = self._recorder.start if request.data else self._recorder.stop
        response.success, response.message = act()
        return response

    def _on_trigger(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success, response.message = self._recorder.trigger('service')
        return response

    def _on_mark(self, data: bytes, info: dict[str, int]) -> None:
        note = deserialize_message(data, String).data
        recorded, answer = self._recorder.mark(note, data, times_ns=message_times_ns(self, info))
        if recorded:
            self.get_logger().info(f'Marked in {answer}: {note}')
        else:
            self.get_logger().warning(f'This mark is in no bag: {note}. {answer}')

    def _status(self, name: str) -> DiagnosticStatus:
        state = self._recorder.state()
        lost = 0 if state.report is None else state.report.dropped
        return recorder_status(
            name=name,
            state=state,
            free_bytes=free_bytes(self._settings.output_directory),
            loses=self._losses.is_recent(lost),
        )


def main() -> None:
    """Run the recorder until it is interrupted."""
    sys.exit(run_node(RecorderNode))


if __name__ == '__main__':
    main()
