# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One bag in the making."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import chain, count
from typing import TYPE_CHECKING

from roof_detector.bags.background_writer import BackgroundWriter, WritingState
from roof_detector.bags.errors import FolderTaken
from roof_detector.bags.writer import BagWriter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from roof_detector.bags.retention_policy import RetentionPolicy
    from roof_detector.ros.recorder.listening import ListeningReport
    from roof_detector.ros.recorder.recorder_parameters import RecorderSettings

FOREVER_S = float('inf')


@dataclass(frozen=True, kw_only=True)
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

    @property
    def interruption(self) -> str:
        """Return the sentences that say why nothing is written at present, empty while it is."""
        if not self.writing.interruption:
            return ''
        waiting = self.writing.queued_bytes / 1e6
        return (
            f'{self.writing.interruption} {waiting:.1f} MB wait in memory, '
            f'{sum(self.writing.dropped.values())} messages are lost; it is tried every second.'
        )


class Recording:
    """A new bag's writer, and how long the bag continues."""

    def __init__(
        self,
        settings: RecorderSettings,
        *,
        manifest: Mapping[str, str],
        retention_policy: RetentionPolicy,
        before: ListeningReport,
        duration_s: float,
        gives_way: bool = False,
    ) -> None:
        """Open the bag; raise BagError where that cannot be done.

        Where its name is taken, it `gives_way` and gets a number. `before` is what was heard when
        the bag began: the report counts from there.
        """
        is_event = duration_s < FOREVER_S
        bag = _new_bag(
            settings,
            is_event=is_event,
            gives_way=gives_way,
            manifest=manifest,
            retention_policy=retention_policy,
        )
        self.path = bag.path
        self.writer = BackgroundWriter(bag, max_queue_bytes=settings.max_queue_bytes)
        self._before = self._heard = before
        self._ends_at_s = time.monotonic() + duration_s

    @property
    def is_event(self) -> bool:
        """Return whether it ends by itself, as what the black box writes does."""
        return self._ends_at_s < FOREVER_S

    @property
    def is_over(self) -> bool:
        """Return whether its time is over."""
        return time.monotonic() > self._ends_at_s

    @property
    def failure(self) -> str:
        """Return why the bag could not be written any further, empty while it can."""
        return self.writer.state().failure

    @property
    def interruption(self) -> str:
        """Return why nothing can be written at present, empty while it can."""
        return self.writer.state().interruption

    @property
    def interruptions(self) -> int:
        """Return how often the disk refused so far."""
        return self.writer.state().interruptions

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


def _new_bag(
    settings: RecorderSettings,
    *,
    is_event: bool,
    gives_way: bool,
    manifest: Mapping[str, str],
    retention_policy: RetentionPolicy,
) -> BagWriter:
    """Open a bag. One whose name is made of the time, and that of an event, always gives way."""
    name = settings.bag_name
    gives_way = gives_way or is_event or not name
    if not name:
        kind = 'event' if is_event else 'flight'
        name = datetime.now(timezone.utc).strftime(f'{kind}_%Y%m%dT%H%M%SZ')
    for candidate in chain([name], (f'{name}_{number}' for number in count(2))):
        try:
            return BagWriter(
                settings.output_directory / candidate,
                compression=settings.compression,
                flush_period_s=settings.flush_period_s,
                max_file_bytes=settings.max_file_bytes,
                max_file_s=settings.max_file_s,
                min_free_bytes=settings.min_free_bytes,
                manifest=manifest,
                retention_policy=retention_policy if settings.delete_oldest else None,
                sync_behind=True,
            )
        except FolderTaken:
            if not gives_way:
                raise
    raise AssertionError  # count() does not end
