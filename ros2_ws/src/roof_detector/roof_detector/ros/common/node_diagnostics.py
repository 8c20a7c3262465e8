# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Periodic diagnostics of a node, published even while its executor is busy."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]  # its home in Humble
from std_msgs.msg import Header

from roof_detector.ros.common.acknowledgement import wait_for_readers
from roof_detector.ros.common.callback_errors import CallbackErrors, errors_of
from roof_detector.ros.common.parameters import HANG_LIMIT
from roof_detector.supervision.rate import FAULT_S
from roof_detector.supervision.watchdog import WATCHDOG, ThreadsReport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rclpy.node import Node

_OK, _WARN, _ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR
# When a report is this late, the executor's thread is busy and the watchdog's thread reports.
_LATE_S = 0.5
_REPEAT_S = 0.5


class NodeDiagnostics:
    """Publishes a node's statuses every second, and at once when one of its threads fails.

    `build` returns the statuses and runs in the executor's thread; if it raises, an ERROR is
    published under `names`. While the executor's thread is busy or hangs, the watchdog's thread
    repeats the last statuses with its own findings. Every status of the node shows a thread's
    fault.
    """

    def __init__(
        self,
        node: Node,
        build: Callable[[], Sequence[DiagnosticStatus]],
        *,
        names: Sequence[str],
        period_s: float = 1.0,
    ) -> None:
        self._node = node
        self._build = build
        self._names = tuple(names)
        self._period_s = period_s
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        # Replaced as a whole and never changed, because two threads use it.
        self._last: tuple[DiagnosticStatus, ...] = ()
        self._last_report = ThreadsReport()
        self._duplicates = 0
        self._published_at_s = self._built_at_s = time.monotonic()
        # Diagnostics stay on time even when simulated time stands still.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(period_s, self.publish, clock=steady)
        WATCHDOG.attach(self._on_threads_report)

    def publish(self) -> None:
        """Publish the present statuses."""
        WATCHDOG.look_alive()
        if self._node.has_parameter(HANG_LIMIT.name):
            WATCHDOG.hang_limit_s = float(self._node.get_parameter(HANG_LIMIT.name).value)
        self._count_duplicates()
        try:
            statuses = tuple(self._build())
        except Exception as error:  # an error in the diagnostics must not end the node
            statuses = tuple(
                DiagnosticStatus(
                    level=_ERROR,
                    name=name,
                    message=f'Its state is unknown ({type(error).__name__}: {error}).',
                )
                for name in self._names
            )
        self._last, self._built_at_s = statuses, time.monotonic()
        self._send(statuses, WATCHDOG.report)

    def _count_duplicates(self) -> None:
        """Count other nodes of the same name: services and parameters reach any of them."""
        own = self._node.get_name(), self._node.get_namespace()
        duplicates = max(0, self._node.get_node_names_and_namespaces().count(own) - 1)
        if duplicates > self._duplicates:
            self._node.get_logger().warning(_duplicates_message(duplicates))
        self._duplicates = duplicates

    def wait_for_readers(self, *, within_s: float) -> None:
        """Wait until every reader has acknowledged what was published."""
        wait_for_readers(self._publisher, within_s=within_s)

    def close(self) -> None:
        """Stop publishing."""
        WATCHDOG.detach(self._on_threads_report)
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._publisher)

    def _on_threads_report(self, report: ThreadsReport) -> None:
        """Handle a report of the watchdog, in the watchdog's thread."""
        before, self._last_report = self._last_report, report
        now_s = time.monotonic()
        changed = bool(report.faults) != bool(before.faults) or report.fatal != before.fatal
        changed |= len(report.faults) > len(before.faults)
        repeat = bool(report.faults or report.fatal) and now_s - self._published_at_s > _REPEAT_S
        late = now_s - self._published_at_s > self._period_s + _LATE_S
        if changed or repeat or late:
            self._send(self._stale() if late else self._last, report)

    def _stale(self) -> tuple[DiagnosticStatus, ...]:
        """Return the last statuses, or empty ones before the first, marked as outdated."""
        for_s = time.monotonic() - self._built_at_s
        message = f'Busy for {for_s:.0f} s.'
        known = {status.name: status for status in self._last}
        return tuple(
            DiagnosticStatus(
                level=max(known[name].level, _WARN) if name in known else _WARN,
                name=name,
                message=message,
                hardware_id=known[name].hardware_id if name in known else '',
                values=known[name].values if name in known else [],
            )
            for name in self._names
        )

    def _send(self, statuses: Sequence[DiagnosticStatus], report: ThreadsReport) -> None:
        self._published_at_s = time.monotonic()
        header = Header(stamp=self._node.get_clock().now().to_msg())
        if not statuses:
            statuses = self._stale()
        errors = errors_of(self._node)
        complete = [
            _with_threads(_with_duplicates(_with_errors(status, errors), self._duplicates), report)
            for status in statuses
        ]
        self._publisher.publish(DiagnosticArray(header=header, status=complete))


def _with_errors(status: DiagnosticStatus, errors: CallbackErrors) -> DiagnosticStatus:
    """Return a status with the callback errors added; a recent one raises OK to WARN."""
    since_s = errors.since_s()
    level, message = status.level, status.message
    if since_s is not None and since_s < FAULT_S and level == _OK:
        level, message = _WARN, errors.newest
    return DiagnosticStatus(
        level=level,
        name=status.name,
        message=message,
        hardware_id=status.hardware_id,
        values=[*status.values, *errors.values()],
    )


def _duplicates_message(duplicates: int) -> str:
    return (
        f'{duplicates} more node(s) of this name are in the graph, or were until a moment ago: '
        'give each a name or a namespace of its own.'
    )


def _with_duplicates(status: DiagnosticStatus, duplicates: int) -> DiagnosticStatus:
    """Return a status with the number of nodes of this name added."""
    level, message = status.level, status.message
    if duplicates:
        level, message = max(level, _WARN), f'{message} {_duplicates_message(duplicates)}'
    return DiagnosticStatus(
        level=level,
        name=status.name,
        message=message,
        hardware_id=status.hardware_id,
        values=[*status.values, KeyValue(key='nodes_of_this_name', value=str(duplicates + 1))],
    )


def _with_threads(status: DiagnosticStatus, report: ThreadsReport) -> DiagnosticStatus:
    """Return a copy of a status with the state of the threads added."""
    level, message = status.level, status.message
    if report.fatal or report.faults:
        level = _ERROR
        message = ' '.join(dict.fromkeys((report.fatal, *report.faults))).strip()
    elif report.passed:
        level = max(level, _WARN)
        message = ' '.join((*report.passed, message))
    values = [
        *status.values,
        KeyValue(key='threads', value=', '.join(report.threads)),
        *(
            KeyValue(key=f'restarts.{name}', value=str(count))
            for name, count in sorted(report.restarts.items())
        ),
    ]
    return DiagnosticStatus(
        level=level,
        name=status.name,
        message=message,
        hardware_id=status.hardware_id,
        values=values,
    )
