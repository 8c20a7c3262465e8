# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Real threads that die, hang and are merely busy, under a real watchdog."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from roof_detector.supervision.doorbell import Doorbell
from roof_detector.supervision.watchdog import EXIT_DEAD_PART, Watchdog
from roof_detector.supervision.watched_thread import WatchedThread, current_heart, watched_parts

# The tests share a machine; what it keeps when it is idle is measured by the campaign dead_parts.
SLOWER = 5.0


class Watched:
    """A watchdog at work, and how long each of its reports took to come."""

    def __init__(self):
        self.watchdog = Watchdog()
        self.reports = []
        self.watchdog.attach(self.reports.append)

    def wait_for(self, condition, *, within_s):
        """Return the seconds until a report, which must come in time.

        Those in which this thread got no core do not count for that: a machine with other work
        delays this thread as it delays the watchdog's.
        """
        began_s, late_s = time.monotonic(), 0.0
        while not any(condition(report) for report in self.reports):
            assert time.monotonic() - began_s - late_s < SLOWER * within_s, self.reports[-1:]
            before_s = time.monotonic()
            time.sleep(0.01)
            late_s += time.monotonic() - before_s - 0.01
        return time.monotonic() - began_s


@pytest.fixture
def watched():
    watched = Watched()
    yield watched
    watched.watchdog.detach(watched.reports.append)
    for part in watched_parts():
        if isinstance(part, WatchedThread):
            part.abandon()


class Replaceable:
    """A part of one thread that does what it is told to, and puts another in its place."""

    def __init__(self, work):
        self.work = work
        self.replaced = []
        self.begin()

    def begin(self):
        self.thread = WatchedThread(lambda: self.work(self), name='part', restart=self.replace)
        self.thread.start()

    def replace(self, problem):
        self.replaced.append(problem)
        self.thread.abandon()
        self.begin()


def idle_for_ever(_=None):
    bell = Doorbell()
    while not threading.current_thread().is_abandoned:
        bell.wait()


def once(act):
    """Return work that acts in the first thread and waits for work in those after it."""
    first = [True]

    def work(part):
        if first and first.pop():
            act()
        idle_for_ever()

    return work


def die():
    raise SystemExit


def hang():
    current_heart().begin('working')
    threading.Event().wait(30)


def test_nothing_is_wrong_with_no_threads_and_with_one_that_waits(watched):
    part = Replaceable(idle_for_ever)
    watched.wait_for(lambda report: True, within_s=4.0)
    time.sleep(1.5)
    assert all(report.faults == () for report in watched.reports)
    assert part.replaced == []


@pytest.mark.parametrize('failure', [SystemExit, KeyboardInterrupt, ValueError])
def test_a_thread_that_dies_is_reported_within_a_second_and_replaced(watched, failure):
    def fail():
        raise failure

    part = Replaceable(once(fail))
    watched.wait_for(lambda report: report.faults, within_s=1.0)
    watched.wait_for(lambda report: report.passed and not report.faults, within_s=1.0)
    assert len(part.replaced) == 1
    assert failure.__name__ in part.replaced[0]
    assert watched.watchdog.report.restarts == {'part': 1}


def test_a_thread_that_hangs_is_reported_within_a_second_and_replaced_within_three(watched):
    part = Replaceable(once(hang))
    waited_s = watched.wait_for(lambda report: report.faults, within_s=1.0)
    assert waited_s > 0.4, 'a moment is no hanging'
    watched.wait_for(lambda report: report.passed and not report.faults, within_s=3.0)
    assert 'hangs: working' in part.replaced[0]


def test_a_thread_that_hangs_while_it_waits_for_work_is_noticed_too(watched):
    part = Replaceable(once(lambda: (current_heart().idle(), threading.Event().wait(30))))
    watched.wait_for(lambda report: report.faults, within_s=1.0)
    watched.wait_for(lambda report: report.passed, within_s=3.0)
    assert len(part.replaced) == 1


def test_a_busy_thread_is_reported_and_not_replaced(watched):
    enough = threading.Event()

    def compute():
        current_heart().begin('computing')
        while not enough.is_set():
            pass

    part = Replaceable(once(compute))
    try:
        watched.wait_for(lambda report: report.faults, within_s=2.0)
        time.sleep(2.5)
    finally:
        enough.set()
    assert part.replaced == []


def test_what_takes_as_long_as_usual_is_no_fault(watched):
    def slow():
        heart = current_heart()
        for _ in range(20):
            heart.learn(1.0)
        heart.begin('slow work')
        time.sleep(1.6)

    part = Replaceable(once(slow))
    time.sleep(1.6)
    assert part.replaced == []
    assert all(report.faults == () for report in watched.reports)


def test_what_is_known_to_take_long_may_take_long(watched):
    def opening():
        with current_heart().patient('opening', patience_s=60.0):
            time.sleep(2.6)

    part = Replaceable(once(opening))
    time.sleep(2.6)
    assert part.replaced == []
    assert all(report.faults == () for report in watched.reports)


def test_what_dies_again_and_again_is_given_up(watched):
    part = Replaceable(lambda _: die())
    watched.wait_for(lambda report: report.fatal, within_s=5.0)
    assert 'does not help' in watched.watchdog.report.fatal
    assert len(part.replaced) == 4


def test_what_cannot_be_replaced_is_given_up(watched):
    WatchedThread(die, name='part').start()
    watched.wait_for(lambda report: 'cannot be replaced' in report.fatal, within_s=1.0)


def test_a_restart_that_fails_is_given_up(watched):
    def fail(_):
        msg = 'no memory'
        raise OSError(msg)

    WatchedThread(die, name='failing', restart=fail).start()
    watched.wait_for(lambda report: 'no memory' in report.fatal, within_s=1.0)


def test_a_restart_that_does_nothing_is_given_up(watched):
    WatchedThread(die, name='lazy', restart=lambda _: None).start()
    watched.wait_for(lambda report: 'was not replaced' in report.fatal, within_s=5.0)


def test_a_thread_that_ends_in_order_is_no_fault(watched):
    for _ in range(50):
        WatchedThread(lambda: None, name='part').start()
    time.sleep(0.5)
    assert all(report.faults == () for report in watched.reports)
    assert watched_parts() == ()


def test_a_listener_that_fails_keeps_nobody_from_the_report(watched):
    def fail(_):
        raise RuntimeError

    watched.watchdog.attach(fail)
    later = []
    watched.watchdog.attach(later.append)
    Replaceable(once(die))
    watched.wait_for(lambda report: report.passed, within_s=2.0)
    assert later
    watched.watchdog.detach(fail)


def test_a_dead_watchdog_is_replaced_when_it_is_looked_after(watched):
    def kill(_):
        raise SystemExit

    watched.watchdog.attach(kill)
    watched.watchdog._thread.join(20)
    assert not watched.watchdog._thread.is_alive()
    watched.watchdog.detach(kill)
    count = len(watched.reports)
    watched.watchdog.look_alive()
    watched.wait_for(lambda report: report.restarts == {'watchdog': 1}, within_s=1.0)
    assert len(watched.reports) > count


PROCESS = """
import sys, threading, time
from roof_detector.supervision.watchdog import WATCHDOG, EXECUTOR
from roof_detector.supervision.watched_thread import WatchedLoop, WatchedThread
ask = threading.Event()
WATCHDOG.attach(lambda report: None)
saved = lambda: print('saved', flush=True)
grace_s = 60.0 if sys.argv[1] == 'asked' else 2.0
with WatchedLoop(EXECUTOR) as loop, WATCHDOG.guarding(ask.set, last_act=saved, grace_s=grace_s):
    if sys.argv[1] == 'hang':
        loop.heart.begin('calling back')
        time.sleep(60)
    def fail(): raise ValueError
    WatchedThread(fail, name='part').start()
    if sys.argv[1] == 'deaf':
        time.sleep(60)
    ask.wait(60)
    print('ended in order', flush=True)
    sys.exit(70)
"""


@pytest.mark.parametrize(
    ('main_thread', 'output'), [('hang', 'saved\n'), ('deaf', ''), ('asked', 'ended in order\n')]
)
def test_a_guarded_process_ends_with_the_code_of_a_dead_part(main_thread, output):
    process = subprocess.run(
        [sys.executable, '-c', PROCESS, main_thread],
        stdout=subprocess.PIPE,
        timeout=120,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stdout) == (EXIT_DEAD_PART, output)


STOPPED = """
import sys, threading, time
from roof_detector.supervision.watchdog import WATCHDOG, EXECUTOR
from roof_detector.supervision.watched_thread import WatchedLoop, WatchedThread, current_heart
faults = set()
def note(report): faults.update(report.faults + report.passed + (report.fatal,))
WATCHDOG.attach(note)
def work():
    bell = threading.Event()
    while True:
        current_heart().begin('working')
        bell.wait(0.3)
with WatchedLoop(EXECUTOR) as loop, WATCHDOG.guarding(lambda: sys.exit(70)):
    for _ in range(8):
        WatchedThread(work, name='part').start()
    print('works', flush=True)
    for line in sys.stdin:
        loop.heart.begin('calling back')
        time.sleep(0.5)
        WATCHDOG.look_alive()
        loop.heart.stop()
        print(line, end='', flush=True)
    faults.discard('')
    sys.exit('; '.join(sorted(faults)) or 0)
"""


def test_a_process_that_was_stopped_as_a_whole_goes_on():
    process = subprocess.Popen(
        [sys.executable, '-c', STOPPED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == 'works\n'
    for stop in range(3):  # each hits eight threads and a loop at some place in their work
        process.stdin.write(f'{stop}\n')
        process.stdin.flush()
        time.sleep(0.2)
        process.send_signal(signal.SIGSTOP)
        time.sleep(2.5)  # more than the hang limit
        process.send_signal(signal.SIGCONT)
        assert process.stdout.readline() == f'{stop}\n'
    assert process.communicate(timeout=60)[1] == ''
    assert process.returncode == 0


BLACKOUT = """
import ctypes
from roof_detector.supervision import watchdog
watchdog._BLACKOUT_S, watchdog._REARM_S = 2.0, 0.5
watchdog.WATCHDOG.attach(lambda report: None)
with watchdog.WATCHDOG.guarding(lambda: None):
    import time; time.sleep(0.5)
    ctypes.PyDLL(None).sleep(60)  # in C, with Python's lock
"""


def test_a_process_whose_interpreter_stands_still_ends_with_every_traceback():
    process = subprocess.run(
        [sys.executable, '-c', BLACKOUT],
        stderr=subprocess.PIPE,
        timeout=120,
        text=True,
        check=False,
    )
    assert process.returncode != 0
    assert 'Timeout' in process.stderr
