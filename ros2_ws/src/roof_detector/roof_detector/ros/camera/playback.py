# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Publishing of frames, each at its time."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Literal

from roof_detector.inputs.pace import Pace
from roof_detector.supervision.rate import Arrivals
from roof_detector.supervision.throttle import Throttle, cause_of
from roof_detector.supervision.watched_thread import WatchedThread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from roof_detector.ros.camera.stream_parameters import StreamSettings
    from roof_detector.ros.common.camera_topics import CameraTopics
    from roof_detector.ros.common.outgoing import OutgoingFrame

_log = logging.getLogger(__name__)
# Time after the last frame in which readers may still receive frames.
_DRAIN_S = 5.0
# Best-effort readers acknowledge nothing, and shared memory ends with this process.
_LINGER_S = 0.3
_POLL_S = 0.05
# Readers that want best effort on purpose do not follow.
_FOLLOW_WITHIN_S = 3.0

PlaybackState = Literal['waiting', 'playing', 'ended', 'failed']


@dataclass(frozen=True, kw_only=True)
class PlaybackReport:
    """The progress of a playback; `error` is empty unless it ended early.

    `silent_s` is the time since the last published frame, `usual_s` the recent interval between
    frames; `unsent` counts messages that could not be published.
    """

    state: PlaybackState
    published: int
    late: int
    rate_hz: float
    error: str
    silent_s: float = 0.0
    usual_s: float = 0.0
    unsent: int = 0


class Playback:
    """A thread that publishes frames at their times.

    It first waits for subscribers, as set in `settings`. A frame is late when it comes more than
    half an interval after its time; a late frame does not delay the following ones. The thread
    calls `on_end` at the end. An error of the types in `errors` ends the playback and is in the
    report; any other exception is a failure of the thread, which the watchdog reports.
    """

    def __init__(
        self,
        frames: Iterable[OutgoingFrame],
        *,
        topics: CameraTopics,
        settings: StreamSettings,
        now_ns: Callable[[], int],
        on_end: Callable[[], None],
        errors: tuple[type[Exception], ...],
    ) -> None:
        self._frames = frames
        self._topics = topics
        self._settings = settings
        self._now_ns = now_ns
        self._warn_once = Throttle(_log.warning, period_s=inf)
        self._on_end = on_end
        self._errors = errors
        self._pace = Pace()
        self._state: PlaybackState = 'waiting'
        self._sent = Arrivals()
        self._late = 0
        self._unsent = 0
        self._error = ''
        self._thread = WatchedThread(self._run, name='playback')

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End before the next frame; the source of the frames has to be stopped separately."""
        self._pace.stop()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; return whether it has ended."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def report(self) -> PlaybackReport:
        """Return the present progress."""
        sent = self._sent
        return PlaybackReport(
            state=self._state,
            published=sent.count,
            late=self._late,
            rate_hz=sent.rate_hz,
            error=self._error,
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
        self._on_end()

    def _wait_for_listeners(self) -> None:
        deadline = time.monotonic() + self._settings.wait_timeout_s
        while (missing := self._missing_listeners()) and not self._pace.stopped:
            if time.monotonic() >= deadline:
                _log.warning(
                    '%s after %g s; publishing without them.',
                    missing,
                    self._settings.wait_timeout_s,
                )
                break
            self._pace.wait(_POLL_S)
        if self._settings.wait_for_subscribers:
            until_s = time.monotonic() + _FOLLOW_WITHIN_S
            while not (self._topics.are_followed() or self._pace.stopped):
                if time.monotonic() >= until_s:
                    break
                self._pace.wait(_POLL_S)
        self._pace.wait(self._settings.start_delay_s)

    def _missing_listeners(self) -> str:
        """Return a phrase for the subscribers that are missing, '' if none is."""
        present, wanted = self._topics.listeners(), self._settings.wait_for_subscribers
        if present < wanted:
            return f'{present} of {wanted} nodes subscribe to the images'
        unheard = self._topics.unheard() if self._settings.wait_for_all_topics else []
        return f'No node subscribes to {", ".join(unheard)}' if unheard else ''

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
                except Exception as error:  # the other messages are published
                    self._unsent += 1
                    warning = f'A message of {outgoing.role} cannot be published: {error}'
                    self._warn_once(cause_of(warning), warning)
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
            _log.warning('Some readers have not received all frames within %g s.', _DRAIN_S)
        self._pace.wait(_LINGER_S)
