# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The diagnostics of all nodes of a graph, for a process that supervises them."""

from __future__ import annotations

from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from roof_detector.ros.common.monitor import Monitor


@dataclass(frozen=True)
class NodeStatus:
    """The latest diagnostic status of one node."""

    message: str
    is_error: bool
    values: dict[str, str]


class DiagnosticsWatch(Monitor):
    """A subscription to /diagnostics that keeps the latest report of each status."""

    def __init__(self, *, name: str) -> None:
        self.reports: dict[str, NodeStatus] = {}
        super().__init__(name=name)
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._note, 50)

    def listen(self, *, for_s: float) -> None:
        """Process arriving messages for at most `for_s` seconds."""
        self.executor.spin_once(timeout_sec=for_s)

    def values(self, prefix: str) -> dict[str, str]:
        """Return the values of the first status whose name has the prefix, else nothing."""
        for name, report in self.reports.items():
            if name.startswith(prefix):
                return report.values
        return {}

    def _note(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.reports[status.name] = NodeStatus(
                message=status.message,
                is_error=status.level == DiagnosticStatus.ERROR,
                values={pair.key: pair.value for pair in status.values},
            )
