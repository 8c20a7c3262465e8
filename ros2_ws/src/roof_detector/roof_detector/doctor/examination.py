# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from roof_detector.doctor.clock import check_clock
from roof_detector.doctor.dds import check_dds
from roof_detector.doctor.device import check_device
from roof_detector.doctor.disk import check_disk
from roof_detector.doctor.finding import Finding, Verdict, fail
from roof_detector.doctor.graph_look import GraphLook
from roof_detector.doctor.images import check_images
from roof_detector.doctor.model import check_model
from roof_detector.doctor.network import check_network
from roof_detector.doctor.nodes import check_nodes
from roof_detector.doctor.ros_installation import check_ros


@dataclass(frozen=True)
class Examination:
    """Say what is examined: which model, which topic (None for all), where bags go, how long."""

    model: str
    bag_directory: Path
    image_topic: str | None = None
    listen_s: float = 3.0

    def findings(self) -> Iterator[Finding]:
        """Yield findings as they come; without ROS those that need no graph."""
        ros = check_ros()
        yield from ros
        look = GraphLook()
        with_graph = all(finding.verdict is not Verdict.FAIL for finding in ros)
        if with_graph:
            try:
                look = self._look()
            except RuntimeError as error:
                with_graph = False
                yield fail(
                    'ROS 2', f'The graph cannot be joined: {error}', 'printenv RMW_IMPLEMENTATION'
                )
        if with_graph:
            yield from check_dds(frame_bytes=_largest_raw_bytes(look))
        yield from check_network()
        yield from check_device()
        yield from check_model(self.model)
        yield from check_disk(self.bag_directory)
        yield from check_clock(look.images, simulated_time=look.simulated_time)
        if with_graph:
            yield from check_images(look, image_topic=self.image_topic, listened_s=self.listen_s)
            yield from check_nodes(look)

    def _look(self) -> GraphLook:
        from roof_detector.doctor.graph_watch import look_at_graph  # noqa: PLC0415

        return look_at_graph(listen_s=self.listen_s)


def _largest_raw_bytes(look: GraphLook) -> int | None:
    """Return the size of the largest image seen, None before one arrived."""
    return max((topic.largest_bytes for topic in look.images), default=0) or None
