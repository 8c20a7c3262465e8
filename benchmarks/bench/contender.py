# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The contenders of a benchmark: detector nodes, each in its own namespace."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench.errors import BenchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from roof_detector.inference.options import PrecisionOption

BASELINE_SCRIPT = Path('benchmarks/baseline_node.py')


@dataclass(frozen=True, kw_only=True, eq=False)
class Contender:
    """What is run, and with which parameters.

    `program` is what Python is given to run; None is the detector of this package. Its topics are
    `<name>/image`, `<name>/image/compressed`, `<name>/detector/detections`; of several `cameras`
    `<name>/camera_0/image` and `<name>/detector/camera_0/detections`, and so on.
    """

    name: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    program: tuple[str, ...] | None = None
    cameras: int = 1

    @property
    def results_topics(self) -> tuple[str, ...]:
        """Return the topics of its detections, one of each camera."""
        names = camera_names(self.cameras)
        return tuple(f'/{self.name}/detector/{name}detections' for name in names)


def camera_names(count: int) -> tuple[str, ...]:
    """Return what stands before the topics of each camera: nothing for a single one."""
    return ('',) if count == 1 else tuple(f'camera_{number}/' for number in range(count))


def our_node(
    name: str,
    *,
    model: str,
    transport: str,
    precision: PrecisionOption = 'auto',
    threads: int,
    int8: bool = False,
    annotated_rate_hz: float = 0.0,
    cameras: int = 1,
) -> Contender:
    """Return the contender with the detector of this package."""
    parameters: dict[str, object] = {
        'model': model,
        'image_transport': transport,
        'precision': precision,
        'threads': threads,
        'int8': int8,
        'annotated_rate': annotated_rate_hz,
    }
    if cameras > 1:
        parameters['cameras'] = [one.rstrip('/') for one in camera_names(cameras)]
    return Contender(name=name, parameters=parameters, cameras=cameras)


def baseline_node(
    name: str, *, model: str, transport: str, threads: int, script: Path = BASELINE_SCRIPT
) -> Contender:
    """Return the baseline node; `threads` 0 leaves the number to ultralytics."""
    if not script.exists():
        msg = (
            f'{script} does not exist: run this at the root of the source tree, or name the '
            'script of the baseline with --baseline.'
        )
        raise BenchError(msg)
    parameters = {'model': model, 'image_transport': transport, 'threads': threads}
    return Contender(name=name, parameters=parameters, program=(str(script),))
