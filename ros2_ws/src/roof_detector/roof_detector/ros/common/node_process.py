# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How a node runs as a process of its own."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from math import inf

import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import try_shutdown

from roof_detector.ros.common.errors import ParameterError, RosError
from roof_detector.ros.common.guarded_executor import GuardedExecutor
from roof_detector.ros.common.large_blocks import keep_large_blocks
from roof_detector.ros.common.params_entries import check_params_files
from roof_detector.supervision.watchdog import EXECUTOR, EXIT_DEAD_PART, WATCHDOG
from roof_detector.supervision.watched_thread import WatchedLoop

# The last one comes when the terminal, or the connection that holds it, goes away.
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# A waiting executor notices a signal when it wakes.
_STOP_LATENCY_S = 0.2
# `ros2 launch` sends a SIGINT of its own after that of Ctrl-C, and people press it again: none of
# them may cut off what a node is about to finish. One that comes later is meant.
_FINISH_WITHIN_S = 10.0
# The watchdog looks ten times a second.
_REPORTED_WITHIN_S = 0.5


def run_node(make_node: Callable[[], Node], *, arguments: list[str] | None = None) -> int:
    """Make a node, spin it until it is interrupted, and return the process's exit code.

    SIGINT, SIGTERM and SIGHUP end it in order: the node is destroyed while its context is still
    valid, so `destroy_node` is where a node lets go of threads and files and says its last.
    Further ones change nothing in the first 10 s; one that comes later ends the process at once.
    A node that cannot start says why in one sentence and ends with 1; a node ends itself with
    `raise SystemExit(code)` from a callback. Anything else that a callback raises costs that one
    callback (`GuardedExecutor`).

    It ends with EXIT_DEAD_PART where one of its threads is dead or hangs and cannot be replaced,
    this one included: in order where that is possible, within a grace. A node may have a method
    `save_all`, called in another thread where this one hangs, and its own `ending_grace_s`.
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
        # Whatever takes long now is in a thread of its own, which is watched itself.
        heart.begin('starting', patience_s=inf)
        watched.callback(heart.stop)
        try:
            node = _made(make_node)
            check_params_files(node.get_fully_qualified_name(), arguments=arguments)
            guard.last_act = getattr(node, 'save_all', None)
            guard.grace_s = getattr(node, 'ending_grace_s', guard.grace_s)
            executor.add_node(node)
            while not (stop.requested or dead_part.is_set()):
                heart.begin('calling back')
                executor.spin_once(timeout_sec=_STOP_LATENCY_S)
        except RosError as error:
            print(error, file=sys.stderr)  # noqa: T201 - there may be no node to log with
            return 1
        except SystemExit as end:
            if end.code is not None:
                return int(end.code)
            # A node of ours ends with a code: without one, something has killed this thread.
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
    """Have the watchdog publish that the executor is dead before the node is taken apart."""
    WATCHDOG.give_up('The executor thread died; it cannot be replaced.')
    deadline_s = time.monotonic() + _REPORTED_WITHIN_S
    while not WATCHDOG.report.fatal and time.monotonic() < deadline_s:
        time.sleep(0.01)


def _made(make_node: Callable[[], Node]) -> Node:
    """Make the node; a value that a room refuses is a parameter the operator has to change."""
    try:
        return make_node()
    except RosError:
        raise
    except ValueError as error:
        raise ParameterError(str(error)) from error


class _StopRequest:
    """Remember that a signal to stop came, and let nothing end the process for some seconds."""

    def __init__(self) -> None:
        self._requested_s: float | None = None
        for number in _STOP_SIGNALS:
            # Under nohup SIGHUP is ignored from the start, and stays so.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note)
        # Python gives signals back to the kernel in its last moments, where one that comes late
        # would end a process that is done with an exit code as if it were not.
        atexit.register(_ignore_signals)

    @property
    def requested(self) -> bool:
        """Return whether the node is to stop."""
        return self._requested_s is not None

    def _note(self, number: int, _frame: object) -> None:
        now_s = time.monotonic()
        if self._requested_s is None:
            self._requested_s = now_s
            return
        name = signal.Signals(number).name
        left_s = self._requested_s + _FINISH_WITHIN_S - now_s
        if left_s <= 0:
            _say(f'{name} again: ending at once, whatever is not finished.')
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        _say(f'{name} again: still finishing. Another one ends it at once in {left_s:.0f} s.')


def _say(sentence: str) -> None:
    """Write to standard error, past its buffer: a signal may come while that is being written."""
    with suppress(OSError):
        os.write(2, f'{sentence}\n'.encode())


def _ignore_signals() -> None:
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
