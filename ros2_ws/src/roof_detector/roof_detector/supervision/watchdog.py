# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The thread that watches all other threads of its process."""

from __future__ import annotations

import faulthandler
import logging
import os
import threading
import time
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from roof_detector.supervision.own_time import OwnTime, ThreadClock
from roof_detector.supervision.watched_thread import WatchedLoop, watched_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from roof_detector.supervision.watched_thread import WatchedPart

_log = logging.getLogger(__name__)
# The exit code of a process that ends because a part of it is dead (sysexits.h: EX_SOFTWARE).
EXIT_DEAD_PART = 70
EXECUTOR = 'executor'
_POLL_S = 0.1
# At most this much of the time since the last poll counts as sleep of a part. A process that was
# stopped as a whole (Ctrl-Z, a frozen container, a debugger) had no chance to make progress.
_MOST_ASLEEP_S = 5 * _POLL_S
# A work item without progress for this much of its own time, or for three usual ones, is reported;
# it is replaced after the hang limit, or ten usual ones. On a CPU the limits are ten times longer:
# it is busy.
_STALL_S, _STALL_USUAL = 0.7, 3.0
_HANG_USUAL, _BUSY = 10.0, 10.0
_RESTART_WITHIN_S = 3.0
# Another restart does not fix a part that dies again and again.
_MOST_RESTARTS, _SOON_S = 4, 3.0
# A fault is reported for this long after it has passed.
_REPORT_S = 10.0
# DDS delivers what was published last.
_LINGER_S = 0.5
# Without a poll for this long the interpreter itself hangs.
_BLACKOUT_S, _REARM_S = 20.0, 5.0


@dataclass(frozen=True, kw_only=True)
class ThreadsReport:
    """The state of a process's threads, in sentences.

    `faults` are present now, `passed` occurred in the last seconds; `fatal` is the reason for
    which the process ends. `restarts` counts by thread since the start.
    """

    threads: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    restarts: Mapping[str, int] = field(default_factory=dict)
    fatal: str = ''


@dataclass(kw_only=True)
class ProcessGuard:
    """How the process ends: through its main loop, or at once if that hangs."""

    ask_to_end: Callable[[], None]
    last_act: Callable[[], None] | None
    grace_s: float
    is_asked: bool = False


class _Watch:
    """One watched part, as the polls have seen it."""

    def __init__(self, part: WatchedPart) -> None:
        self.part = part
        self.born_at_s = time.monotonic()
        self.handled_at_s: float | None = None
        self._clock: ThreadClock | None = None
        self._number = 0
        self._asleep_s = self._running_s = 0.0

    def look(self, now_s: float, *, hang_limit_s: float) -> tuple[str, bool]:
        """Return what is wrong, empty for nothing, and whether the part must be replaced."""
        part = self.part
        if death := part.death:
            return f'The {part.name} thread died ({death})', True
        item = part.heart.item
        if item is None:
            self._clock, self._number = None, 0
            return '', False
        usual_s = part.heart.usual_s if item.is_usual else 0.0
        own = self._own_time(now_s)
        if item.number != self._number:
            # Part of the time since the last poll belongs to the item before: count from this
            # one's start.
            since_s = now_s - item.since_s
            own = OwnTime(min(own.asleep_s, since_s), min(own.running_s, since_s))
            self._number, self._asleep_s, self._running_s = item.number, 0.0, 0.0
        self._asleep_s += min(own.asleep_s, _MOST_ASLEEP_S)
        self._running_s += own.running_s
        stall_s = max(_STALL_S, _STALL_USUAL * usual_s, item.patience_s)
        if self._asleep_s + self._running_s < stall_s:
            return '', False
        hang_s = max(hang_limit_s, _HANG_USUAL * usual_s, item.patience_s)
        hangs = self._asleep_s > hang_s or self._running_s > _BUSY * hang_s
        verb = 'hangs' if hangs else 'makes no progress'
        for_s = now_s - item.since_s
        return f'The {part.name} thread {verb}: {item.what} for {for_s:.1f} s', hangs

    def _own_time(self, now_s: float) -> OwnTime:
        if self._clock is None:
            if self.part.native_id is None:
                return OwnTime()
            self._clock = ThreadClock(self.part.native_id)
        return self._clock.elapsed(now_s)


class Watchdog:
    """A thread that finds dead and hanging parts, reports them and has them replaced.

    It runs while a listener is attached. It calls each listener ten times a second, from its own
    thread, with the newest report. If a part cannot be replaced and `guarding` is in use, the
    process ends with EXIT_DEAD_PART; otherwise the part is reported for good.
    """

    def __init__(self) -> None:
        self.hang_limit_s = 2.0
        self.report = ThreadsReport()
        self._lock = threading.Lock()
        self._listeners: list[Callable[[ThreadsReport], None]] = []
        self._thread: threading.Thread | None = None
        self._generation = 0
        self._polled_at_s = 0.0
        self._silent_since_s = inf
        self._armed_at_s = 0.0
        self._watches: dict[int, _Watch] = {}
        self._restarts: Counter[str] = Counter()
        self._died_soon: Counter[str] = Counter()
        self._passed: deque[tuple[float, str]] = deque(maxlen=20)
        self._guard: ProcessGuard | None = None
        self._fatal = ''
        self._gave_up_at_s = 0.0

    def attach(self, listener: Callable[[ThreadsReport], None]) -> None:
        """Call a listener with each report from now on."""
        with self._lock:
            self._listeners.append(listener)
            if self._thread is None:
                self._begin()

    def detach(self, listener: Callable[[ThreadsReport], None]) -> None:
        """Stop calling a listener."""
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)
            if not self._listeners:
                self._generation += 1
                self._thread = None
                self.report, self._fatal = ThreadsReport(), ''
                self._restarts.clear()
                self._died_soon.clear()
                self._passed.clear()

    @contextmanager
    def guarding(
        self,
        ask_to_end: Callable[[], None],
        *,
        last_act: Callable[[], None] | None = None,
        grace_s: float = 5.0,
    ) -> Iterator[ProcessGuard]:
        """End the process if a part of it is dead for good.

        `ask_to_end` asks the main loop to end in order within `grace_s`. If that loop itself
        hangs, `last_act` may save data in that time. A process whose interpreter hangs, the
        watchdog included, ends after 20 s; so does one that is continued after being stopped for
        15 to 20 s, because C cannot tell the two apart.
        """
        self._guard = ProcessGuard(ask_to_end=ask_to_end, last_act=last_act, grace_s=grace_s)
        try:
            yield self._guard
        finally:
            self._guard = None
            faulthandler.cancel_dump_traceback_later()
            self._armed_at_s = 0.0

    def look_alive(self) -> None:
        """Restart the watchdog if it is dead or hangs; another thread calls this."""
        with self._lock:
            thread = self._thread
            if thread is None:
                return
            died, now_s, polled_at_s = not thread.is_alive(), time.monotonic(), self._polled_at_s
            if polled_at_s > self._silent_since_s:
                self._silent_since_s = inf
            if now_s - polled_at_s > self.hang_limit_s:
                # Counts from this look: of a process that was stopped as a whole and continued,
                # another thread may be the first to run.
                self._silent_since_s = min(self._silent_since_s, now_s)
            if died or now_s - self._silent_since_s > self.hang_limit_s:
                self._note(f'The watchdog thread {"died" if died else "hung"}')
                self._restarts['watchdog'] += 1
                self._begin()

    def give_up(self, reason: str) -> None:
        """End the process for a reason if `guarding` is in use; any thread may call this."""
        self._give_up(reason, time.monotonic())

    def _begin(self) -> None:
        self._generation += 1
        self._polled_at_s, self._silent_since_s = time.monotonic(), inf
        self._thread = threading.Thread(
            target=self._run, args=(self._generation,), name='watchdog', daemon=True
        )
        self._thread.start()

    def _run(self, generation: int) -> None:
        while generation == self._generation:
            now_s = time.monotonic()
            self._polled_at_s = now_s
            try:
                self._poll(now_s)
            except Exception:  # no error of a watched part may end the watchdog
                _log.exception('The watchdog could not check all threads.')
            time.sleep(_POLL_S)

    def _poll(self, now_s: float) -> None:
        self._rearm(now_s)
        faults, lost_loop = [], False
        parts = watched_parts()
        self._watches = {id(part): self._watches.get(id(part)) or _Watch(part) for part in parts}
        to_replace = []
        for watch in self._watches.values():
            problem, is_lost = watch.look(now_s, hang_limit_s=self.hang_limit_s)
            if problem:
                faults.append(f'{problem}.')
            if is_lost:
                lost_loop |= isinstance(watch.part, WatchedLoop)
                to_replace.append((watch, problem))
        self._tell(now_s, parts, faults)
        for watch, problem in to_replace:
            self._replace(watch, problem, now_s)
        if to_replace:
            self._tell(now_s, parts, faults)
        if self._fatal:
            self._end_process(now_s, lost_loop=lost_loop)

    def _replace(self, watch: _Watch, problem: str, now_s: float) -> None:
        name = watch.part.name
        if watch.handled_at_s is not None:
            if now_s - watch.handled_at_s > _RESTART_WITHIN_S:
                self._give_up(f'{problem} and was not replaced.', now_s)
            return
        watch.handled_at_s = now_s
        restart = watch.part.restart
        soon = now_s - watch.born_at_s < _SOON_S
        self._died_soon[name] = self._died_soon[name] + 1 if soon else 0
        if restart is None:
            self._give_up(f'{problem}; it cannot be replaced.', now_s)
        elif self._died_soon[name] > _MOST_RESTARTS:
            self._give_up(f'{problem}, as those before it did; replacing it does not help.', now_s)
        else:
            self._restarts[name] += 1
            self._note(problem)
            _log.error('%s; it is replaced.', problem)
            try:
                restart(problem)
            except Exception as error:  # whatever it is, the part stays dead
                self._give_up(f'{problem} and could not be replaced ({error}).', now_s)

    def _note(self, problem: str) -> None:
        self._passed.append((time.monotonic(), f'{problem} and was replaced.'))

    def _give_up(self, reason: str, now_s: float) -> None:
        if self._fatal:
            return
        self._fatal, self._gave_up_at_s = reason, now_s
        _log.critical('%s%s', reason, ' This process ends.' if self._guard else '')

    def _tell(self, now_s: float, parts: tuple[WatchedPart, ...], faults: list[str]) -> None:
        self.report = ThreadsReport(
            threads=tuple(sorted({part.name for part in parts})),
            faults=tuple(faults),
            passed=tuple(
                dict.fromkeys(one for when_s, one in self._passed if when_s > now_s - _REPORT_S)
            ),
            restarts=dict(self._restarts),
            fatal=self._fatal,
        )
        for listener in tuple(self._listeners):
            try:
                listener(self.report)
            except Exception:  # one failing listener must not block the others
                _log.exception('A listener failed to take the report of the threads.')

    def _end_process(self, now_s: float, *, lost_loop: bool) -> None:
        guard = self._guard
        if guard is None:
            return
        if not guard.is_asked:
            guard.is_asked = True
            if not lost_loop:
                guard.ask_to_end()
            elif guard.last_act is not None:
                threading.Thread(target=self._act, args=(guard.last_act,), daemon=True).start()
        waited_s = now_s - self._gave_up_at_s
        nothing_to_save = lost_loop and guard.last_act is None
        if waited_s > (_LINGER_S if nothing_to_save else guard.grace_s):
            self._exit()

    def _act(self, last_act: Callable[[], None]) -> None:
        try:
            last_act()
        except Exception:  # it was the last thing to try
            _log.exception('Not all data could be saved.')
        self._exit()

    @staticmethod
    def _exit() -> None:
        os._exit(EXIT_DEAD_PART)

    def _rearm(self, now_s: float) -> None:
        """Let C end the process, with every thread's traceback, unless this is called again."""
        if self._guard is not None and now_s - self._armed_at_s > _REARM_S:
            self._armed_at_s = now_s
            faulthandler.dump_traceback_later(_BLACKOUT_S, exit=True)


WATCHDOG = Watchdog()
