# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How a node runs as a process of its own."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import try_shutdown

from roof_detector.ros.errors import ParameterError, RosError
from roof_detector.ros.large_blocks import keep_large_blocks

# A waiting executor notices a signal when it wakes.
_STOP_LATENCY_S = 0.2


def run_node(make_node: Callable[[], Node], *, arguments: list[str] | None = None) -> int:
    """Make a node, spin it until it is interrupted, and return the process's exit code.

    SIGINT and SIGTERM end it in order: the node is destroyed while its context is still valid, so
    `destroy_node` is where a node lets go of threads and files and says its last. A node that
    cannot start says why in one sentence and ends with 1; a node ends itself with
    `raise SystemExit(code)` from a callback.
    """
    keep_large_blocks()
    stop = _StopRequest()
    rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    node = None
    executor = SingleThreadedExecutor()
    try:
        node = _made(make_node)
        executor.add_node(node)
        while not stop.requested:
            executor.spin_once(timeout_sec=_STOP_LATENCY_S)
    except RosError as error:
        print(error, file=sys.stderr)  # noqa: T201 - there may be no node to log with
        return 1
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        if node is not None:
            node.destroy_node()
        executor.shutdown()
        try_shutdown()
    return 0


def _made(make_node: Callable[[], Node]) -> Node:
    """Make the node; a value that a room refuses is a parameter the operator has to change."""
    try:
        return make_node()
    except RosError:
        raise
    except ValueError as error:
        raise ParameterError(str(error)) from error


class _StopRequest:
    """Remember that SIGINT or SIGTERM came; a second one ends the process at once."""

    def __init__(self) -> None:
        self.requested = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: object) -> None:
        if self.requested:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.requested = True
