# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Kill and hang every thread of every node, in real processes that do real work.

The check is that /diagnostics shows ERROR within 1 s of the fault, or the process has ended with a
code other than 0; and that the node is back at work, or its process ended so, within the limit.
The time in which other work of the machine kept the node or this judge from a core is not counted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import Image

from benchmarks.campaign.held_domain import held_domain
from benchmarks.campaign.result import CampaignOptions, Tally, run_campaign
from benchmarks.campaign.stalls import Stalls, delay_s, run_queue_s
from roof_detector.demo.node_processes import _yaml
from roof_detector.ros.common.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_REPORT_WITHIN_S = 1.0
_RECOVER_WITHIN_S = 15.0
_READY_WITHIN_S = 120.0
_PATIENCE_S = 90.0  # to see by how much a limit was missed
_SOURCE = {'wait_for_subscribers': 0, 'loop': True, 'width': 320, 'height': 240, 'rate_hz': 5.0}


@dataclass(frozen=True, kw_only=True)
class _Node:
    """A node under attack: its module, its status, its threads, its parameters."""

    module: str
    status: str
    threads: tuple[str, ...]
    parameters: dict[str, object] = field(default_factory=dict)
    remappings: tuple[str, ...] = ()


def _nodes(folder: Path) -> dict[str, _Node]:
    return {
        'detector': _Node(
            module='roof_detector.ros.detector.detector_node',
            status='detector: detection',
            threads=('arrival', 'preprocessing', 'annotation', 'detection', 'executor'),
            parameters={'image_size': 160, 'threads': 1, 'backend': 'onnxruntime'},
            remappings=('image:=/camera/image',),
        ),
        'simulated flight': _Node(
            module='roof_detector.ros.camera.simulated_flight_node',
            status='camera: frames',
            threads=('playback', 'prefetch', 'executor'),
            parameters=_SOURCE,
        ),
        'recorder': _Node(
            module='roof_detector.ros.recorder.recorder_node',
            status='recorder: bag',
            threads=('executor',),
            parameters={
                'record': True,
                'output_directory': str(folder),
                'topics': ['/camera/image'],
            },
        ),
        'inspector': _Node(
            module='roof_detector.ros.inspector.inspector_node',
            status='inspector: findings',
            threads=('inspection', 'inspection file', 'executor'),
            parameters={'ground_m': 8.0, 'findings_directory': str(folder / 'findings')},
            remappings=('image:=/camera/image',),
        ),
    }


class _Diagnostics:
    """The messages on /diagnostics, and when they arrived."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, str, int, dict[str, str], str]] = []
        self.stalls = Stalls()
        self._monitor = Monitor(name='monitor')
        self._monitor.node.create_subscription(DiagnosticArray, '/diagnostics', self._note, 50)
        # Annotated images are drawn only while someone listens.
        self._monitor.node.create_subscription(
            Image, '/detector/image_annotated', lambda _: None, 1, raw=True
        )

    def listen(self) -> None:
        self._monitor.executor.spin_once(timeout_sec=0.02)

    def wait(self, condition: Callable[[], bool], *, within_s: float) -> float | None:
        """Return the seconds until a condition holds, None if it does not."""
        began_s = time.monotonic()
        while not condition():
            if time.monotonic() - began_s > within_s:
                return None
            self.listen()
        return time.monotonic() - began_s

    def reported(self, name: str, *, since_s: float, is_error: bool) -> bool:
        return any(
            moment > since_s and status == name and (level == 2) == is_error
            for moment, status, level, _, _ in self.heard
        )

    def last(self, name: str) -> tuple[int, dict[str, str], str]:
        found = [one for one in self.heard if one[1] == name]
        return found[-1][2:] if found else (3, {}, '')

    def _note(self, array: DiagnosticArray) -> None:
        now_s = time.monotonic()
        for status in array.status:
            values = {pair.key: pair.value for pair in status.values}
            level = int.from_bytes(status.level, 'little')
            self.heard.append((now_s, status.name, level, values, status.message))
        del self.heard[:-500]


class _Process:
    """The process of a node, restarted like launch does."""

    def __init__(self, node: _Node, diagnostics: _Diagnostics) -> None:
        self.node, self._diagnostics = node, diagnostics
        self.start()

    def start(self) -> None:
        arguments = ['--ros-args']
        for name, value in self.node.parameters.items():
            arguments += ['-p', f'{name}:={_yaml(value)}']
        for one in self.node.remappings:
            arguments += ['-r', one]
        self.process = subprocess.Popen(
            [
                sys.executable,
                '-m',
                'benchmarks.campaign.faulty_node',
                self.node.module,
                *arguments,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def send(self, text: str) -> float:
        assert self.process.stdin is not None
        self.process.stdin.write(text + '\n')
        self.process.stdin.flush()
        return time.monotonic()

    @property
    def has_failed(self) -> bool:
        code = self.process.poll()
        return code is not None and code != 0

    def is_well(self) -> bool:
        """Return whether its diagnostics show no error and something has arrived."""
        level, values, _ = self._diagnostics.last(self.node.status)
        counts = ('frames_processed', 'frames_published', 'messages', 'frames_inspected')
        works = any(int(values.get(count, 0)) > 0 for count in counts)
        return self.process.poll() is None and level < 2 and works

    def wait_until_well(self) -> None:
        began_s = time.monotonic()
        status, diagnostics = self.node.status, self._diagnostics

        def is_ready() -> bool:
            is_new = diagnostics.reported(status, since_s=began_s, is_error=False)
            return is_new and self.is_well()

        if diagnostics.wait(is_ready, within_s=_READY_WITHIN_S) is None:
            code = self.process.poll()
            msg = f'{status} never came (code {code}): {diagnostics.last(status)}'
            raise RuntimeError(msg)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()


@contextmanager
def _running(nodes: dict[str, _Node], diagnostics: _Diagnostics) -> Iterator[dict[str, _Process]]:
    processes = {name: _Process(node, diagnostics) for name, node in nodes.items()}
    try:
        for process in processes.values():
            process.wait_until_well()
        yield processes
    finally:
        for process in processes.values():
            process.stop()


def _attack(
    process: _Process, diagnostics: _Diagnostics, tally: Tally, kind: str, command: str
) -> tuple[float, float]:
    """Inject a fault; return the seconds until its report and until the node is back or ended."""
    status = process.node.status
    code = process.process.poll()
    if code is not None:
        tally.failed(f'{kind}: alive before', f'{status} had ended with {code}')
        process.start()
        process.wait_until_well()
    began_s, waited_s = process.send(command), run_queue_s(process.process.pid)

    def machine_s() -> float:
        """Return what other work has cost the judge, and the thread that had to wait most."""
        waits_s = delay_s(waited_s, run_queue_s(process.process.pid))
        return diagnostics.stalls.since_s(began_s) + waits_s

    def is_reported() -> bool:
        return process.has_failed or diagnostics.reported(status, since_s=began_s, is_error=True)

    reported_s = diagnostics.wait(is_reported, within_s=_PATIENCE_S)
    allowed_s = _REPORT_WITHIN_S + machine_s()
    within = reported_s is not None and reported_s <= allowed_s
    what = f'{command} of {status} after {reported_s} s, at most {allowed_s:.2f} s'
    tally.check(f'{kind}: reported', what, holds=within)
    reported_at_s = time.monotonic()

    def is_over() -> bool:
        return process.has_failed or diagnostics.reported(
            status, since_s=reported_at_s, is_error=False
        )

    back_s = diagnostics.wait(is_over, within_s=_PATIENCE_S)
    allowed_s = _RECOVER_WITHIN_S + machine_s()
    within = back_s is not None and back_s <= allowed_s
    what = f'{command} of {status} after {back_s} s, at most {allowed_s:.2f} s'
    tally.check(f'{kind}: replaced or ended', what, holds=within)
    total_s = time.monotonic() - began_s
    if process.process.poll() is not None:
        process.start()
    process.wait_until_well()
    # What it had in work, and what it missed meanwhile, has its turn before the next fault.
    diagnostics.wait(lambda: False, within_s=3.5)
    return (reported_s or _PATIENCE_S), total_s


def attempt(options: CampaignOptions, tally: Tally) -> None:
    """Kill and hang every thread of every node."""
    os.environ['ROS_DOMAIN_ID'] = str(held_domain())
    report_times_s: dict[str, list[float]] = {'kill': [], 'hang': []}
    over: dict[str, list[float]] = {'kill': [], 'hang': []}
    with tempfile.TemporaryDirectory() as folder:
        nodes = _nodes(Path(folder))
        if options.short:
            nodes = {'simulated flight': nodes['simulated flight']}
        diagnostics = _Diagnostics()
        with diagnostics.stalls, _running(nodes, diagnostics) as processes:
            plan = [
                (name, thread, command)
                for command in ('kill', 'hang')
                for name, node in nodes.items()
                for thread in node.threads
            ]
            if options.short:
                plan = [('simulated flight', 'playback', 'kill')]
            for name, thread, command in plan:
                reported_s, over_s = _attack(
                    processes[name],
                    diagnostics,
                    tally,
                    f'{command} {name}.{thread}',
                    f'{command} {thread}',
                )
                report_times_s[command].append(reported_s)
                over[command].append(over_s)
            detector = nodes.get('detector')
            if detector is not None:
                processes['simulated flight'].stop()
                diagnostics.wait(lambda: False, within_s=3.0)
                waiting = diagnostics.last(detector.status)[1].get('frames_waiting')
                tally.check('frames add up', f'{waiting} still wait', holds=waiting == '0')
    for command in ('kill', 'hang'):
        if report_times_s[command]:
            tally.figures[f'{command}_reported_longest_s'] = round(max(report_times_s[command]), 2)
            late = sum(seconds > _REPORT_WITHIN_S for seconds in report_times_s[command])
            tally.figures[f'{command}_reported_after_1_s'] = late
            tally.figures[f'{command}_over_longest_s'] = round(max(over[command]), 2)


if __name__ == '__main__':
    sys.exit(run_campaign('dead_parts', attempt))
