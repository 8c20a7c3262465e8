# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Frames on their way out, each at its time."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from roof_detector.ros.camera_topics import CameraTopics
from roof_detector.ros.outgoing import OutgoingFrame
from roof_detector.ros.stream_parameters import StreamSettings
from roof_detector.sources.pace import Pace

# How long readers have, after the last frame, to fetch what they have not got yet.
_DRAIN_S = 5.0
# Best-effort readers acknowledge nothing; the shared memory goes with this process.
_LINGER_S = 0.3
_POLL_S = 0.05
_RATE_WINDOW = 100


@dataclass(frozen=True)
class PlaybackReport:
    """Tell how far a playback is; `error` is empty unless it ended before its time."""

    state: str
    published: int
    late: int
    rate_hz: float
    error: str


class Playback:
    """Publish frames at their times, in a thread of its own.

    It waits for listeners first, as the settings say. A frame is late when it comes more than
    half the interval since its predecessor behind its time; lateness is counted, never added up.
    `finished` is called at the end, from the thread. Errors of the kinds given end the playback
    and stand in the report.
    """

    def __init__(
        self,
        frames: Iterable[OutgoingFrame],
        *,
        topics: CameraTopics,
        settings: StreamSettings,
        now_ns: Callable[[], int],
        say: Callable[[str], None],
        finished: Callable[[], None],
        errors: tuple[type[Exception], ...],
    ) -> None:
        self._frames = frames
        self._topics = topics
        self._settings = settings
        self._now_ns = now_ns
        self._say = say
        self._finished = finished
        self._errors = errors
        self._pace = Pace()
        self._state = 'waiting'
        self._published = 0
        self._late = 0
        self._error = ''
        self._recent: deque[float] = deque(maxlen=_RATE_WINDOW)
        self._thread = threading.Thread(target=self._run, name='playback', daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End before the next frame; the frames' own source must be stopped besides."""
        self._pace.stop()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; tell whether it ended."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def report(self) -> PlaybackReport:
        """Return how far it is."""
        recent = list(self._recent)
        span_s = recent[-1] - recent[0] if len(recent) > 1 else 0.0
        rate_hz = (len(recent) - 1) / span_s if span_s > 0 else 0.0
        return PlaybackReport(self._state, self._published, self._late, rate_hz, self._error)

    def _run(self) -> None:
        try:
            self._wait_for_listeners()
            self._state = 'playing'
            self._play()
            if not self._pace.stopped:
                self._drain()
        except self._errors as error:
            self._error = str(error)
        finally:
            self._state = 'failed' if self._error else 'ended'
            self._finished()

    def _wait_for_listeners(self) -> None:
        deadline = time.monotonic() + self._settings.wait_timeout_s
        while (missing := self._missing_listeners()) and not self._pace.stopped:
            if time.monotonic() >= deadline:
                self._say(
                    f'{missing} after {self._settings.wait_timeout_s:g} s; '
                    'sending them all the same.'
                )
                break
            self._pace.rest(_POLL_S)
        self._pace.rest(self._settings.start_delay_s)

    def _missing_listeners(self) -> str:
        """Say who is waited for, nothing when all are there."""
        present, wanted = self._topics.listeners(), self._settings.wait_for_subscribers
        if present < wanted:
            return f'{present} of {wanted} nodes listen to the images'
        unheard = self._topics.unheard() if self._settings.wait_for_all_topics else []
        return f'Nobody listens to {", ".join(unheard)}' if unheard else ''

    def _play(self) -> None:
        last_due_ns = 0
        for frame in self._frames:
            late_s = self._pace.wait_until_due(frame.due_ns)
            if self._pace.stopped:
                return
            live = frame.due_ns is None
            source_time = live or self._settings.stamp == 'source'
            stamp_ns = frame.stamp_ns if source_time else self._now_ns()
            for outgoing in frame.messages:
                self._topics.publish(outgoing.role, outgoing.stamped(stamp_ns))
            self._published += 1
            self._recent.append(time.monotonic())
            if frame.due_ns is not None:
                interval_s = (frame.due_ns - last_due_ns) / 1e9
                self._late += late_s > interval_s / 2 > 0
                last_due_ns = frame.due_ns

    def _drain(self) -> None:
        if not self._topics.drain(timeout_s=_DRAIN_S):
            self._say(f'Some readers have not fetched everything within {_DRAIN_S:g} s.')
        self._pace.rest(_LINGER_S)
