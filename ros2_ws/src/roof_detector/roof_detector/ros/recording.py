# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One bag in the making."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import chain, count
from pathlib import Path

from roof_detector.bags.background_writer import BackgroundWriter, WritingState
from roof_detector.bags.oldest_first import OldestFirst
from roof_detector.bags.writer import BagWriter
from roof_detector.ros.listening import ListeningReport
from roof_detector.ros.recorder_parameters import RecorderSettings

FOREVER_S = float('inf')


@dataclass(frozen=True)
class RecordingReport:
    """Say what a recording holds so far."""

    path: Path
    writing: WritingState
    received: dict[str, int]
    lost_before_arrival: dict[str, int]
    not_published: tuple[str, ...]
    repeated: dict[str, int] = field(default_factory=dict)

    @property
    def dropped(self) -> int:
        """Return how many messages the recorder could not keep up with."""
        return sum(self.writing.dropped.values()) + sum(self.lost_before_arrival.values())


class Recording:
    """Hold a new bag's writer, and how long the bag shall go on."""

    def __init__(
        self,
        settings: RecorderSettings,
        *,
        manifest: Mapping[str, str],
        oldest_first: OldestFirst,
        before: ListeningReport,
        duration_s: float,
    ) -> None:
        """Open the bag; raise BagError where that cannot be done.

        `before` is what was heard when the bag began: the report counts from there.
        """
        is_event = duration_s < FOREVER_S
        bag = BagWriter(
            _new_path(settings, is_event=is_event),
            compression=settings.compression,
            flush_period_s=settings.flush_period_s,
            max_file_bytes=settings.max_file_bytes,
            max_file_s=settings.max_file_s,
            min_free_bytes=settings.min_free_bytes,
            manifest=manifest,
            oldest_first=oldest_first if settings.delete_oldest else None,
            sync_behind=True,
        )
        self.path = bag.path
        self.writer = BackgroundWriter(bag, max_queue_bytes=settings.max_queue_bytes)
        self._before = self._heard = before
        self._ends_at_s = time.monotonic() + duration_s

    @property
    def is_event(self) -> bool:
        """Tell whether it ends by itself, as what the black box writes does."""
        return self._ends_at_s < FOREVER_S

    @property
    def is_over(self) -> bool:
        """Tell whether its time is over."""
        return time.monotonic() > self._ends_at_s

    @property
    def failure(self) -> str:
        """Return why the bag could not be written any further, empty while it can."""
        return self.writer.state().failure

    def go_on_for(self, duration_s: float) -> None:
        """Be over after this time and not before, or never with FOREVER_S."""
        self._ends_at_s = time.monotonic() + duration_s

    def end(self, heard: ListeningReport) -> None:
        """Take nothing more; the bag is whole once its writer is finished."""
        self._heard = heard
        self.writer.finish()

    def report(self, heard: ListeningReport | None = None) -> RecordingReport:
        """Return what was recorded of what is heard so far, or was heard until the end."""
        heard = heard or self._heard
        return RecordingReport(
            path=self.path,
            writing=self.writer.state(),
            received={
                topic: number - self._before.received.get(topic, 0)
                for topic, number in heard.received.items()
            },
            lost_before_arrival={
                topic: lost
                for topic, number in heard.lost_before_arrival.items()
                if (lost := number - self._before.lost_before_arrival.get(topic, 0))
            },
            not_published=heard.not_published,
            repeated={
                topic: number
                for topic, total in heard.repeated.items()
                if (number := total - self._before.repeated.get(topic, 0))
            },
        )


def _new_path(settings: RecorderSettings, *, is_event: bool) -> Path:
    """Return where the bag shall lie.

    A name made of the time, and any name of an event, gives way to a bag that is there.
    """
    name = settings.bag_name
    if name and not is_event:
        return settings.output_directory / name
    if not name:
        kind = 'event' if is_event else 'flight'
        name = datetime.now(timezone.utc).strftime(f'{kind}_%Y%m%dT%H%M%SZ')
    names = chain([name], (f'{name}_{number}' for number in count(2)))
    paths = (settings.output_directory / candidate for candidate in names)
    return next(path for path in paths if not os.path.lexists(path))
