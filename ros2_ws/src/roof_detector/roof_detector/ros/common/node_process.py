# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Run a node as a process of its own."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from contextlib import ExitStack, suppress
from math import inf
from typing import TYPE_CHECKING

import rclpy
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import try_shutdown

from roof_detector.ros.common.errors import ParameterError, RosError
from roof_detector.ros.common.guarded_executor import GuardedExecutor
from roof_detector.ros.common.large_blocks import keep_large_blocks
from roof_detector.ros.common.params_entries import check_params_files
from roof_detector.supervision.watchdog import EXECUTOR, EXIT_DEAD_PART, WATCHDOG
from roof_detector.supervision.watched_thread import WatchedLoop

if TYPE_CHECKING:
    from collections.abc import Callable

    from rclpy.node import Node

# SIGHUP comes when the terminal or its connection is closed.
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# A waiting executor notices a signal when it wakes.
_STOP_LATENCY_S = 0.2
# `ros2 launch` sends a second SIGINT after that of Ctrl-C, and people press Ctrl-C again: neither
# may interrupt an orderly shutdown. A later signal is meant seriously.
_FINISH_WITHIN_S = 10.0
# The watchdog checks ten times a second.
_REPORTED_WITHIN_S = 0.5


def run_node(make_node: Callable[[], Node], *, arguments: list[str] | None = None) -> int:
    """Make a node, spin it until it is interrupted, and return the process's exit code.

    SIGINT, SIGTERM and SIGHUP start an orderly shutdown: `destroy_node` runs while the context is
    still valid, so a node stops its threads, closes its files and logs its last message there.
    Further signals have no effect for 10 s; a later one ends the process at once. A node that
    cannot start prints one sentence and ends with 1; a callback ends the node with
    `raise SystemExit(code)`. Any other exception ends that one callback (`GuardedExecutor`).

    The exit code is EXIT_DEAD_PART when a thread, this one included, is dead or hangs and cannot
    be replaced; the shutdown is orderly as far as possible within a grace period. A node may have
    a method `save_all`, which another thread calls if this one hangs, and its own
    `ending_grace_s`.
    """
    keep_large_blocks()
    stop = _StopRequest()
    rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    node = None
    executor = GuardedExecutor()
    dead_part = threading.Event()
    with ExitStack() as watched:
        guard = watched.enter_context(WATCHDOG.guarding(dead_part.set))
        heart = watched.enter_context(WatchedLoop(EXECUTOR)).heart
        # Work that takes long runs in threads of its own, which the watchdog supervises.
        heart.begin('starting', patience_s=inf)
        watched.callback(heart.stop)
        try:
            node = _made(make_node)
            check_params_files(node.get_fully_qualified_name(), arguments=arguments)
            guard.last_act = getattr(node, 'save_all', None)
            guard.grace_s = getattr(node, 'ending_grace_s', guard.grace_s)
            executor.add_node(node)
            while not (stop.requested or dead_part.is_set()):
                heart.begin('running a callback')
                executor.spin_once(timeout_sec=_STOP_LATENCY_S)
        except RosError as error:
            print(error, file=sys.stderr)  # noqa: T201 - there may be no node to log with
            return 1
        except SystemExit as end:
            if end.code is not None:
                return int(end.code)
            # Our nodes end with a code: without one, something has killed this thread.
            _report_lost_loop()
            return EXIT_DEAD_PART
        finally:
            heart.begin('ending', patience_s=inf)
            if node is not None:
                node.destroy_node()
            executor.shutdown()
            try_shutdown()
    return EXIT_DEAD_PART if dead_part.is_set() else 0


def _report_lost_loop() -> None:
    """Make the watchdog publish that the executor is dead before the node is destroyed."""
    WATCHDOG.give_up('The executor thread died; it cannot be replaced.')
    deadline_s = time.monotonic() + _REPORTED_WITHIN_S
    while not WATCHDOG.report.fatal and time.monotonic() < deadline_s:
        time.sleep(0.01)


def _made(make_node: Callable[[], Node]) -> Node:
    """Make the node; report a ValueError as a parameter that the operator has to change."""
    try:
        return make_node()
    except RosError:
        raise
    except ValueError as error:
        raise ParameterError(str(error)) from error


class _StopRequest:
    """The first stop signal; later ones are ignored for some seconds."""

    def __init__(self) -> None:
        self._requested_s: float | None = None
        for number in _STOP_SIGNALS:
            # Under nohup SIGHUP is ignored from the start, and stays so.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note)
        # Python restores the default handlers at its end, where a late signal would replace the
        # exit code of a process that has finished.
        atexit.register(_ignore_signals)

    @property
    def requested(self) -> bool:
        """Return whether the node has to stop."""
        return self._requested_s is not None

    def _note(self, number: int, _frame: object) -> None:
        now_s = time.monotonic()
        if self._requested_s is None:
            self._requested_s = now_s
            return
        name = signal.Signals(number).name
        left_s = self._requested_s + _FINISH_WITHIN_S - now_s
        if left_s <= 0:
            _write(f'{name} again: ending at once; unfinished work is lost.')
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        _write(f'{name} again: still finishing. After {left_s:.0f} s another one ends it at once.')


def _write(message: str) -> None:
    """Write to standard error without its buffer, which a signal may interrupt."""
    with suppress(OSError):
        os.write(2, f'{message}\n'.encode())


def _ignore_signals() -> None:
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
