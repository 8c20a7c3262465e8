# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Runs every node for one flight, from take-off to the closed bag."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tqdm import tqdm

from roof_detector.demo.errors import FlightError
from roof_detector.demo.node_processes import NodeProcesses
from roof_detector.ros.common.diagnostics_watch import DiagnosticsWatch
from roof_detector.ros.common.free_domain import free_domain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

BAG_NAME = 'bag'
_CAMERA_TOPICS = {
    'image': '/camera/image',
    'image/compressed': '/camera/image/compressed',
}
_START_TIMEOUT_S = 120.0
_SETTLE_TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class DemoRun:
    """One flight with every node: which node sends the frames, and the nodes' parameters.

    `camera_node` is camera or simulated_flight; `frames` is the number that it will send, where it
    is known; `duration_s` ends a source that does not end by itself, None waits for its end.
    """

    output: Path
    camera_node: str
    camera: Mapping[str, object]
    detector: Mapping[str, object] = field(default_factory=dict)
    frames: int | None = None
    duration_s: float | None = None

    def fly(self) -> Path:
        """Fly and return the folder of the bag; raise FlightError if any node failed."""
        environment = {}
        if 'ROS_DOMAIN_ID' not in os.environ:
            # A domain of its own keeps nodes of another flight on this machine out.
            os.environ['ROS_DOMAIN_ID'] = environment['ROS_DOMAIN_ID'] = str(free_domain())
        logs = self.output / 'logs'
        with (
            NodeProcesses(logs, environment=environment) as nodes,
            DiagnosticsWatch(name='demo') as watch,
        ):
            _report('detector: loading and warming up the model')
            nodes.start('detector', self.detector, remappings=_CAMERA_TOPICS)
            _wait(
                lambda: watch.values('detector').get('state') == 'active', nodes, watch, 'detector'
            )
            _report(f'detector: ready ({watch.values("detector")["model"]})')
            nodes.start(
                'recorder',
                {
                    'record': True,
                    'output_directory': str(self.output.absolute()),
                    'bag_name': BAG_NAME,
                },
            )
            _wait(
                lambda: watch.values('recorder').get('recording') == 'true',
                nodes,
                watch,
                'recorder',
            )
            _report('recorder: recording')
            nodes.start(self.camera_node, self.camera)
            self._follow(nodes, watch)
            self._settle(nodes, watch)
            for name in ('detector', 'recorder'):
                nodes.stop(name)
        return self.output / BAG_NAME

    def _follow(self, nodes: NodeProcesses, watch: DiagnosticsWatch) -> None:
        """Show progress until the source has ended."""
        ends_at = None if self.duration_s is None else time.monotonic() + self.duration_s
        # A terminal's line is rewritten every second; a log gets a new line less often.
        period_s = 1.0 if sys.stderr.isatty() else 10.0
        with tqdm(
            total=self.frames, unit=' frames', desc='flying', mininterval=period_s
        ) as progress:
            while nodes.ended(self.camera_node) is None:
                watch.listen(for_s=0.2)
                nodes.check('detector', 'recorder')
                values = watch.values('detector')
                progress.set_postfix_str(
                    f'{values.get("frames_processed", 0)} detected, '
                    f'{values.get("frames_dropped", 0)} dropped, '
                    f'{_detection_count(values)} objects found',
                    refresh=False,
                )
                progress.update(int(values.get('frames_seen', 0)) - progress.n)
                if ends_at is not None and time.monotonic() > ends_at:
                    break
        nodes.stop(self.camera_node)

    def _settle(self, nodes: NodeProcesses, watch: DiagnosticsWatch) -> None:
        """Wait until the diagnostics of the detector report that no frame is waiting."""
        ended_at = time.monotonic()
        published = int(watch.values('camera').get('frames_published', 0))
        while True:
            watch.listen(for_s=0.2)
            nodes.check('detector', 'recorder')
            values = watch.values('detector')
            if values.get('frames_waiting') == '0' and int(values['frames_seen']) >= published:
                return
            if time.monotonic() - ended_at > _SETTLE_TIMEOUT_S:
                msg = (
                    f'The detector has seen {values.get("frames_seen")} of {published} frames '
                    f'and has {values.get("frames_waiting")} in work '
                    f'{_SETTLE_TIMEOUT_S:.0f} s after the last one; see {nodes.log("detector")}.'
                )
                raise FlightError(msg)


def _wait(
    condition: Callable[[], bool], nodes: NodeProcesses, watch: DiagnosticsWatch, name: str
) -> None:
    started_at = time.monotonic()
    while not condition():
        watch.listen(for_s=0.2)
        nodes.check(name)
        if time.monotonic() - started_at > _START_TIMEOUT_S:
            msg = (
                f'The {name} was not ready within {_START_TIMEOUT_S:.0f} s, see {nodes.log(name)}.'
            )
            raise FlightError(msg)


def _detection_count(values: Mapping[str, str]) -> int:
    return sum(int(count) for key, count in values.items() if key.startswith('detections.'))


def _report(sentence: str) -> None:
    tqdm.write(f'demo: {sentence}')
