# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One bag in the making."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import chain, count
from pathlib import Path
from typing import cast

from rclpy.clock import ROSClock
from rclpy.node import Node

from roof_detector import __version__
from roof_detector.bags.background_writer import BackgroundWriter, WritingState
from roof_detector.bags.writer import BagWriter
from roof_detector.ros.recorded_topic import RecordedTopic
from roof_detector.ros.recorder_parameters import RecorderSettings


@dataclass(frozen=True)
class RecordingReport:
    """Say what a recording holds so far."""

    path: Path
    writing: WritingState
    received: dict[str, int]
    lost_before_arrival: dict[str, int]
    not_published: tuple[str, ...]

    @property
    def dropped(self) -> int:
        """Return how many messages the recorder could not keep up with."""
        return sum(self.writing.dropped.values()) + sum(self.lost_before_arrival.values())


class Recording:
    """Write what a node hears of the topics asked for into a new bag."""

    def __init__(self, node: Node, settings: RecorderSettings) -> None:
        """Open the bag; raise BagError where that cannot be done."""
        bag = BagWriter(
            _new_path(settings),
            compression=settings.compression,
            flush_period_s=settings.flush_period_s,
            max_file_bytes=settings.max_file_bytes,
            max_file_s=settings.max_file_s,
            min_free_bytes=settings.min_free_bytes,
            manifest={'roof_detector_version': __version__},
        )
        self.path = bag.path
        self._node = node
        self._writer = BackgroundWriter(bag, max_queue_bytes=settings.max_queue_bytes)
        self._topics = [RecordedTopic(node, name, self._writer) for name in settings.topics]
        self.refresh()

    @property
    def failure(self) -> str:
        """Return why the bag could not be written any further, empty while it can."""
        return self._writer.state().failure

    def refresh(self) -> None:
        """Look for topics that have appeared, and for publishers that are not heard."""
        clock = cast(ROSClock, self._node.get_clock())
        if clock.ros_time_is_active and clock.now().nanoseconds == 0:
            return  # simulated time has not begun: nothing could be given a time
        for topic in self._topics:
            topic.refresh()

    def report(self) -> RecordingReport:
        """Return what was recorded so far."""
        return RecordingReport(
            path=self.path,
            writing=self._writer.state(),
            received={t.name: t.received for t in self._topics if t.is_heard},
            lost_before_arrival={
                t.name: t.lost_before_arrival for t in self._topics if t.lost_before_arrival
            },
            not_published=tuple(t.name for t in self._topics if not t.is_heard),
        )

    def close(self) -> RecordingReport:
        """Write what was received, finish the bag and return what it holds."""
        report = self.report()
        for topic in self._topics:
            topic.close()
        writing = self._writer.close()
        return RecordingReport(
            self.path,
            writing,
            report.received,
            report.lost_before_arrival,
            report.not_published,
        )


def _new_path(settings: RecorderSettings) -> Path:
    """Return where the bag shall lie; a name made of the time gives way to a bag that is there."""
    if settings.bag_name:
        return settings.output_directory / settings.bag_name
    name = datetime.now(timezone.utc).strftime('flight_%Y%m%dT%H%M%SZ')
    names = chain([name], (f'{name}_{number}' for number in count(2)))
    paths = (settings.output_directory / candidate for candidate in names)
    return next(path for path in paths if not os.path.lexists(path))
