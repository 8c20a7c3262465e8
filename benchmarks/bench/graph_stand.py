# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A test bench for a whole graph: a publisher, detectors, a recorder and a listener over DDS."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.bench.frame_publisher import TELEMETRY_HEIGHT_M
from benchmarks.bench.frames import bench_frames
from benchmarks.bench.process_meter import sample_process
from benchmarks.bench.result_listener import ResultListener
from benchmarks.bench.spread import spread_ms
from roof_detector.demo.node_processes import NodeProcesses
from roof_detector.ros.common.free_domain import free_domain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench.contender import Contender

_PUBLISHER = ('-m', 'benchmarks.bench.frame_publisher')
_PATIENCE_S = 240.0
_SETTLING_RESULTS = 5
_LEAST_RESULTS = 2


@dataclass(frozen=True, kw_only=True)
class Load:
    """Say what a contender has to do: frames of which size and form, and who else listens.

    `rate_hz` 0 sends one frame after another. With `annotated` someone watches annotated images,
    of which the contender offers `annotated_rate_hz`, 0 for one of each frame. With `inspector`
    tracks, findings and coverage are made of the detections and of the camera's telemetry, which
    is published then, or with `telemetry`. `busy` processes compute beside it all without end.
    """

    size_wh: tuple[int, int]
    transport: str = 'raw'
    rate_hz: float = 0.0
    annotated: bool = False
    annotated_rate_hz: float = 0.0
    recorder: bool = False
    inspector: bool = False
    telemetry: bool = False
    busy: int = 0

    @property
    def has_telemetry(self) -> bool:
        """Return whether the camera's telemetry is published."""
        return self.inspector or self.telemetry

    def describe(self) -> dict[str, Any]:
        """Return the load as plain values."""
        width, height = self.size_wh
        pace = f'{self.rate_hz:.1f} Hz' if self.rate_hz else 'one after another'
        return {
            'size': f'{width}x{height}',
            'transport': self.transport,
            'pace': pace,
            'annotated': self.annotated,
            'annotated_rate_hz': self.annotated_rate_hz,
            'recorder': self.recorder,
            'inspector': self.inspector,
            'telemetry': self.has_telemetry,
            'busy': self.busy,
        }


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Run so many processes meanwhile that only compute, at the priority of the nodes."""
    processes = [
        subprocess.Popen([sys.executable, '-c', 'while True: pass']) for _ in range(count)
    ]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


class GraphStand:
    """Running contenders in a domain of their own, of which one at a time is put under load."""

    def __init__(self) -> None:
        self._exit = ExitStack()
        self.folder = Path(
            self._exit.enter_context(tempfile.TemporaryDirectory(prefix='roof_detector_bench_'))
        )
        domain_id = free_domain()
        environment = {'ROS_DOMAIN_ID': str(domain_id)}
        self.listener = self._exit.enter_context(ResultListener(domain_id=domain_id))
        self.nodes = self._exit.enter_context(
            NodeProcesses(self.folder / 'logs', environment=environment)
        )
        self._started = 0

    def start(self, contender: Contender) -> None:
        """Start a contender and wait until it reports that it is ready."""
        self.nodes.start(
            contender.name,
            contender.parameters,
            remappings={'__ns': f'/{contender.name}', '__node': 'detector'},
            program=contender.program or ('-m', 'roof_detector.ros.detector.detector_node'),
        )
        topic = contender.results_topics[-1]
        self.listener.wait_until(
            lambda: self.listener.node.count_publishers(topic) > 0,
            within_s=_PATIENCE_S,
            what=topic,
            check=lambda: self.nodes.check(contender.name),
        )

    def measure(self, contender: Contender, load: Load, *, seconds: float) -> dict[str, Any]:
        """Put a contender under load after a few warm-up results; return its measurements."""
        publisher = self.begin(contender, load)
        pid = self.nodes.pid(contender.name)
        with ExitStack() as at_end:
            at_end.callback(self.nodes.stop, publisher)
            if load.annotated:
                self.listener.watch_images(f'/{contender.name}/detector/image_annotated')
                at_end.callback(self.listener.watch_images, None)
            if load.inspector:
                at_end.callback(self.nodes.stop, self._inspect(contender))
            if load.recorder:
                at_end.callback(self.nodes.stop, self._record(contender))
            at_end.enter_context(busy_processes(load.busy))
            self.settle(contender)
            before = sample_process(pid)
            self.listener.forget()
            self.listener.spin(for_s=seconds)
            self._wait_for(_LEAST_RESULTS, contender)
            after = sample_process(pid)
        self.nodes.check(contender.name)
        count = len(self.listener.ages_s)
        moments_s = self.listener.moments_s
        return {
            'contender': contender.name,
            'cameras': contender.cameras,
            **load.describe(),
            'results': count,
            'results_per_s': round((count - 1) / (moments_s[-1] - moments_s[0]), 3),
            'age_ms': spread_ms(self.listener.ages_s),
            'cpu_ms_per_result': round((after.cpu_s - before.cpu_s) / count * 1e3, 1),
            'memory_mb': after.memory_mb,
            'annotated_images': self.listener.images,
            'stages_ms_p50': self._stages(contender),
        }

    def begin(self, contender: Contender, load: Load) -> str:
        """Start to publish images to a contender; return the publisher's name."""
        self.listener.listen_to(*contender.results_topics)
        self._started += 1
        name = f'publisher_{self._started}'
        self.nodes.start(
            name,
            {
                'frames': str(self._frames(load.size_wh)),
                'transport': load.transport,
                'rate_hz': load.rate_hz,
                'cameras': contender.cameras,
                'telemetry': load.has_telemetry,
            },
            remappings={'__ns': f'/{contender.name}'},
            program=_PUBLISHER,
        )
        return name

    def settle(self, contender: Contender) -> None:
        """Wait for the first results."""
        self._wait_for(_SETTLING_RESULTS, contender)

    def _wait_for(self, results: int, contender: Contender) -> None:
        self.listener.wait_until(
            lambda: len(self.listener.ages_s) >= results,
            within_s=_PATIENCE_S,
            what=f'{results} results of {contender.name}',
            check=lambda: self.nodes.check(contender.name),
        )

    def _record(self, contender: Contender) -> str:
        """Record detections and JPEGs, as on a real flight."""
        name = f'recorder_{self._started}'
        of = ('image/compressed', 'inspector/findings', 'fix', 'pose', 'camera_info')
        recorded = [f'/{contender.name}/{topic}' for topic in of]
        self.nodes.start(
            name,
            {
                'record': True,
                'output_directory': str(self.folder / 'bags'),
                'bag_name': name,
                'topics': [*contender.results_topics, *recorded],
            },
            program=('-m', 'roof_detector.ros.recorder.recorder_node'),
        )
        self._wait_for_listener('recorder', contender, name)
        return name

    def _inspect(self, contender: Contender) -> str:
        """Make findings of the detections, and write them."""
        name = f'inspector_{self._started}'
        self.nodes.start(
            name,
            {
                'findings_directory': str(self.folder / name),
                'ground_reference': 'flight_height',
                'ground_m': TELEMETRY_HEIGHT_M,
            },
            remappings={'__ns': f'/{contender.name}'},
            program=('-m', 'roof_detector.ros.inspector.inspector_node'),
        )
        self._wait_for_listener('inspector', contender, name)
        return name

    def _wait_for_listener(self, kind: str, contender: Contender, name: str) -> None:
        """Wait until a node of ours listens to the results of a contender."""
        self.listener.wait_until(
            lambda: self.listener.hears(kind, contender.results_topics[-1]),
            within_s=_PATIENCE_S,
            what=f'The {kind}',
            check=lambda: self.nodes.check(name),
        )

    def _stages(self, contender: Contender) -> dict[str, float]:
        """Return the next stage times of our node's diagnostics; other nodes have none."""
        if contender.program is not None or contender.cameras > 1:
            return {}
        self.listener.forget_diagnostics()
        self.listener.wait_until(
            lambda: bool(self.listener.told_by(f'{contender.name}/detector')),
            within_s=_PATIENCE_S,
            what=f'Diagnostics of {contender.name}',
            check=lambda: self.nodes.check(contender.name),
        )
        return {
            key.removesuffix('_ms.p50'): float(value)
            for key, value in self.listener.told_by(f'{contender.name}/detector').items()
            if key.endswith('_ms.p50')
        }

    def _frames(self, size_wh: tuple[int, int]) -> Path:
        path = self.folder / f'{size_wh[0]}x{size_wh[1]}.npy'
        if not path.exists():
            np.save(path, bench_frames(size_wh))
        return path

    def __enter__(self) -> GraphStand:
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()
