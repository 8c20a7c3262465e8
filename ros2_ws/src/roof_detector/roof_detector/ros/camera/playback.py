# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Frames on their way out, each at its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from roof_detector.inputs.pace import Pace
from roof_detector.ros.camera.stream_parameters import StreamSettings
from roof_detector.ros.common.camera_topics import CameraTopics
from roof_detector.ros.common.outgoing import OutgoingFrame
from roof_detector.supervision.rate import Arrivals
from roof_detector.supervision.watched_thread import WatchedThread

# How long readers have, after the last frame, to fetch what they have not got yet.
_DRAIN_S = 5.0
# Best-effort readers acknowledge nothing; the shared memory goes with this process.
_LINGER_S = 0.3
_POLL_S = 0.05


@dataclass(frozen=True)
class PlaybackReport:
    """Tell how far a playback is; `error` is empty unless it ended before its time.

    `silent_s` is how long no frame went out, `usual_s` how far apart the newest ones did;
    `unsent` counts messages that could not be sent.
    """

    state: str
    published: int
    late: int
    rate_hz: float
    error: str
    silent_s: float = 0.0
    usual_s: float = 0.0
    unsent: int = 0


class Playback:
    """Publish frames at their times, in a thread of its own.

    It waits for listeners first, as the settings say. A frame is late when it comes more than
    half the interval since its predecessor behind its time; lateness is counted, never added up.
    `finished` is called at the end, from the thread. Errors of the kinds given end the playback
    and stand in the report; anything else is the death of the thread, and no end.
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
        self._sent = Arrivals()
        self._late = 0
        self._unsent = 0
        self._error = ''
        self._thread = WatchedThread(self._run, name='playback')

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
        sent = self._sent
        return PlaybackReport(
            self._state,
            sent.count,
            self._late,
            sent.rate_hz,
            self._error,
            silent_s=sent.silent_s,
            usual_s=sent.usual_s,
            unsent=self._unsent,
        )

    def _run(self) -> None:
        try:
            self._wait_for_listeners()
            self._sent.begin()
            self._state = 'playing'
            self._play()
            if not self._pace.stopped:
                self._drain()
        except self._errors as error:
            self._error = str(error)
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
            self._pace.wait(_POLL_S)
        self._pace.wait(self._settings.start_delay_s)

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
            self._thread.heart.begin('publishing a frame')
            for outgoing in frame.messages:
                try:
                    self._topics.publish(outgoing.role, outgoing.stamped(stamp_ns))
                except Exception as error:  # one that cannot be sent is no end of the others
                    self._unsent += 1
                    self._say(f'A message of {outgoing.role} cannot be sent: {error}')
            self._thread.heart.idle()
            self._sent.note()
            if frame.due_ns is not None:
                interval_s = (frame.due_ns - last_due_ns) / 1e9
                self._late += late_s > interval_s / 2 > 0
                last_due_ns = frame.due_ns

    def _drain(self) -> None:
        with self._thread.heart.patient('waiting for readers', patience_s=2 * _DRAIN_S):
            drained = self._topics.drain(timeout_s=_DRAIN_S)
        if not drained:
            self._say(f'Some readers have not fetched everything within {_DRAIN_S:g} s.')
        self._pace.wait(_LINGER_S)
