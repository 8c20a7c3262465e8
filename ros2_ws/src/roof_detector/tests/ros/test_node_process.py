# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What signals do to a node's process; each test has real processes and real signals."""

from __future__ import annotations

import signal
import time

import pytest

# A node that takes some time to finish what it holds, as the recorder does on a slow disk.
SLOW_NODE = """
import select, sys, time
from rclpy.node import Node
from roof_detector.ros.common import node_process

class SlowNode(Node):
    def __init__(self):
        super().__init__('slow')
        print('started', flush=True)

    def destroy_node(self):
        print('finishing', flush=True)
        end = time.monotonic() + float(sys.argv[1])
        while time.monotonic() < end and not select.select([sys.stdin], [], [], 0.05)[0]:
            pass
        print('finished', flush=True)
        super().destroy_node()

if len(sys.argv) > 2:
    node_process._FINISH_WITHIN_S = float(sys.argv[2])
sys.exit(node_process.run_node(SlowNode, arguments=[]))
"""


def start(graph, *arguments):
    process = graph.start_program('-c', SLOW_NODE, *(str(value) for value in arguments))
    wait_for(process, 'started')
    return process


def wait_for(process, words):
    """Wait for a line; DDS may say in another that another process has a port."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return
    pytest.fail(f'it ended without {words!r}: {lines}')


@pytest.mark.parametrize(
    ('number', 'gap_s'), [('SIGINT', 0.002), ('SIGTERM', 0.05), ('SIGHUP', 0.3)]
)
def test_signals_that_follow_the_first_cut_nothing_off(graph, number, gap_s):
    process = start(graph, 0.7)
    process.send_signal(signal.Signals[number])
    for _ in range(3):
        time.sleep(gap_s)
        process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert 'finished\n' in process.stdout.read()


def test_no_moment_of_the_end_is_open_to_a_signal(graph):
    """A signal every 2 ms from the first until the process is gone, its last moments included."""
    process = start(graph, 0.1)
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.002)
    assert process.returncode == 0
    assert 'finished\n' in process.stdout.read()


def test_a_signal_within_the_time_to_finish_says_how_long_that_is(graph):
    process = start(graph, 3600.0, 3600.0)
    process.send_signal(signal.SIGINT)
    wait_for(process, 'finishing')
    process.send_signal(signal.SIGINT)
    wait_for(process, 'still finishing. After ')
    output, _ = process.communicate(timeout=60)  # closes its input, for which it waits as well
    assert process.returncode == 0 and 'finished\n' in output


def test_a_signal_after_the_time_to_finish_ends_a_node_that_hangs(graph):
    process = start(graph, 3600.0, 0.1)
    process.send_signal(signal.SIGINT)
    wait_for(process, 'finishing')
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == -signal.SIGTERM
    output = process.stdout.read()
    assert 'SIGTERM again: ending at once' in output and 'finished\n' not in output
