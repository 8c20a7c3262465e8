# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""All checks of the doctor, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roof_detector.doctor.clock import check_clock
from roof_detector.doctor.dds import check_dds
from roof_detector.doctor.device import check_device
from roof_detector.doctor.disk import check_disk
from roof_detector.doctor.finding import Finding, Verdict, fail
from roof_detector.doctor.fonts import check_fonts
from roof_detector.doctor.graph_snapshot import GraphSnapshot
from roof_detector.doctor.images import check_images
from roof_detector.doctor.model import check_model
from roof_detector.doctor.network import check_network
from roof_detector.doctor.nodes import check_nodes
from roof_detector.doctor.ros_installation import check_ros

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Examination:
    """All checks, for one model, one image topic (None for all) and one folder of bags."""

    model: str
    bag_directory: Path
    image_topic: str | None = None
    listen_s: float = 3.0

    def findings(self) -> Iterator[Finding]:
        """Yield the findings as the checks finish; without ROS, of those that need no graph."""
        ros = check_ros()
        yield from ros
        snapshot = GraphSnapshot()
        with_graph = all(finding.verdict is not Verdict.FAIL for finding in ros)
        if with_graph:
            try:
                snapshot = self._snapshot()
            except RuntimeError as error:
                with_graph = False
                yield fail(
                    'ROS 2', f'The graph cannot be joined: {error}', 'printenv RMW_IMPLEMENTATION'
                )
        if with_graph:
            yield from check_dds(frame_bytes=_largest_raw_bytes(snapshot))
        yield from check_network()
        yield from check_device()
        yield from check_model(self.model)
        yield from check_disk(self.bag_directory)
        yield from check_fonts()
        yield from check_clock(snapshot.images, simulated_time=snapshot.simulated_time)
        if with_graph:
            yield from check_images(
                snapshot, image_topic=self.image_topic, listened_s=self.listen_s
            )
            yield from check_nodes(snapshot)

    def _snapshot(self) -> GraphSnapshot:
        from roof_detector.doctor.graph_watch import snapshot_graph  # noqa: PLC0415

        return snapshot_graph(listen_s=self.listen_s)


def _largest_raw_bytes(snapshot: GraphSnapshot) -> int | None:
    """Return the size of the largest image that arrived; None if none did."""
    return max((topic.largest_bytes for topic in snapshot.images), default=0) or None
