# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The nodes and topics of the ROS graph at one moment, and what they report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roof_detector.doctor.image_topic import ImageTopic


@dataclass(frozen=True, kw_only=True)
class NodeReport:
    """The latest diagnostic status of a node: level 0 OK, 1 WARN, 2 ERROR, 3 STALE."""

    name: str
    level: int
    message: str
    values: dict[str, str]


@dataclass(frozen=True)
class GraphSnapshot:
    """The images and diagnostics of the ROS graph, observed for a few seconds."""

    images: tuple[ImageTopic, ...] = ()
    reports: tuple[NodeReport, ...] = ()
    simulated_time: bool = False

    def of_kind(self, kind: str) -> tuple[NodeReport, ...]:
        """Return the reports of one kind: detection, bag or frames."""
        return tuple(report for report in self.reports if report.name.endswith(f': {kind}'))
