# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Writes the findings of a flight into inspection.gpkg while it lasts, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roof_detector.findings.errors import FindingsError
from roof_detector.findings.inspection_path import numbered_path
from roof_detector.findings.inspection_store import InspectionStore
from roof_detector.findings.register import FindingEvent
from roof_detector.supervision.throttle import Throttle
from roof_detector.supervision.watched_thread import WatchedThread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from roof_detector.findings.live_inspection import LiveUpdate
    from roof_detector.findings.register import RegisterResult
    from roof_detector.findings.sightings import FrameSightings
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

_log = logging.getLogger(__name__)
_MOST_UPDATES = 120
_DISK_PATIENCE_S = 60.0


@dataclass(frozen=True, eq=False)
class _Update:
    """What one update adds: frames without their sightings, findings, those gone, events."""

    update: LiveUpdate
    frames: tuple[FrameSightings, ...]
    origin: LocalTangentPlane | None


class InspectionFile:
    """The file of a flight; what was submitted is on the disk soon after, in one transaction.

    One that is there already is never touched: the new one is inspection_2.gpkg, and so on. Where
    the disk fails, `failure` says why; what waits is kept, and of more than two minutes the oldest
    is dropped and counted.
    """

    def __init__(self, folder: Path, *, provenance: Mapping[str, Any]) -> None:
        self.path = Path()
        self.failure = ''
        self.dropped = 0
        self.written = 0
        self._folder = folder
        self._provenance = provenance
        self._is_complete = False  # what was dropped, or is in an older file, is written again
        self._updates: deque[_Update] = deque()
        self._final: tuple[RegisterResult, LocalTangentPlane | None] | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._store: InspectionStore | None = None
        self._error = Throttle(_log.error)
        self._thread = self._make_thread()

    def submit(
        self,
        update: LiveUpdate,
        frames: Sequence[FrameSightings],
        origin: LocalTangentPlane | None,
    ) -> None:
        """Have an update written."""
        with self._changed:
            self._updates.append(_Update(update, tuple(frames), origin))
            if len(self._updates) > _MOST_UPDATES:
                self._updates.popleft()
                self._is_complete = False
                self.dropped += 1
            self._changed.notify()

    def close(self, result: RegisterResult | None, origin: LocalTangentPlane | None) -> None:
        """Write all findings, those that are not sure as well, and close the file."""
        with self._changed:
            self._final = None if result is None else (result, origin)
            self._closed = True
            self._changed.notify()
        self._thread.wait_for_end()

    def _make_thread(self) -> WatchedThread:
        thread = WatchedThread(self._run, name='inspection file', restart=self._replace)
        thread.start()
        return thread

    def _replace(self, reason: str) -> None:
        self._thread.abandon()
        self.failure = reason
        self._store = None
        if not self._closed:
            self._thread = self._make_thread()

    def _run(self) -> None:
        thread = threading.current_thread()
        assert isinstance(thread, WatchedThread)
        while not thread.is_abandoned:
            thread.heart.idle()
            with self._changed:
                if not self._updates and not self._closed:
                    self._changed.wait(0.2)
                update = self._updates[0] if self._updates else None
            if update is None:
                if self._closed:
                    break
                continue
            thread.heart.begin('writing the inspection', patience_s=_DISK_PATIENCE_S)
            if self._try(partial(self._write, update)):
                with self._changed:
                    if self._updates and self._updates[0] is update:
                        self._updates.popleft()
            elif self._closed:
                break
            else:
                thread.heart.idle()
                with self._changed:
                    self._changed.wait(1.0)
        if not thread.is_abandoned:
            thread.heart.begin('closing the inspection', patience_s=_DISK_PATIENCE_S)
            self._try(self._finish)

    def _try(self, work: Any) -> bool:
        try:
            work()
        except (FindingsError, OSError) as error:
            self.failure, self._is_complete = str(error), False
            self._error('write', f'The inspection is not written: {error}')
            return False
        self.failure = ''
        return True

    def _opened(self) -> InspectionStore:
        if self._store is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            # A thread that was replaced may still hold the one before.
            self.path = _free_path(self._folder)
            store = InspectionStore(self.path)
            with store.append(None) as run:
                run.add_provenance(self._provenance)
            self._store, self._is_complete = store, False
            _log.info('Writing findings to %s.', self.path)
        return self._store

    def _write(self, one: _Update) -> None:
        update, store = one.update, self._opened()
        was_complete, self._is_complete = self._is_complete, True
        findings = update.changed if was_complete else update.findings
        with store.append(one.origin) as run:
            for frame in one.frames:
                run.add_frame(frame, (), ())
            run.replace_findings(findings, gone=update.withdrawn)
            run.add_events(
                FindingEvent(event.kind, event.finding.uuid, sentence(event.kind, event.finding))
                for event in update.events
            )
        self.written += 1

    def _finish(self) -> None:
        if self._final is not None:
            result, origin = self._final
            if self._store is None and not result.findings:
                return
            with self._opened().append(origin) as run:
                run.finish(result.findings, {}, (), {})
        if self._store is not None:
            self._store.close()
            self._store = None


def sentence(kind: str, finding: Any) -> str:
    """Return what happened to a finding in words."""
    return f'{finding.class_name} {finding.number} is {kind}, with {finding.existence:.3f}.'


def _free_path(folder: Path) -> Path:
    """Return the first name in a folder that is not taken."""
    numbers = count(1)
    return next(path for one in numbers if not (path := numbered_path(folder, one)).exists())
