# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The speed of a model."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from roof_detector.inference.device_name import available_cores
from training.machine import describe_machine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from roof_detector.inference.detector import Detector
    from roof_detector.inference.stage_times import StageTimes

_OF_SCANS = ('triton', 'mamba_ssm')  # further keys of `describe_machine`


@dataclass(frozen=True, kw_only=True)
class Speed:
    """The median milliseconds of each stage, and the machine.

    `images_per_second` is for one image after the other, without reading them from disk.
    """

    letterbox_ms: float
    forward_ms: float
    suppression_ms: float
    total_ms: float
    images_per_second: float
    machine: Mapping[str, str]

    @classmethod
    def of(cls, times: Sequence[StageTimes], *, machine: Mapping[str, str]) -> Speed:
        """Return the medians of all images."""
        totals = [one.total_s for one in times]
        return cls(
            letterbox_ms=_median_ms([one.letterbox_s for one in times]),
            forward_ms=_median_ms([one.forward_s for one in times]),
            suppression_ms=_median_ms([one.suppression_s for one in times]),
            total_ms=_median_ms(totals),
            images_per_second=len(totals) / sum(totals),
            machine=machine,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            'letterbox_ms': self.letterbox_ms,
            'forward_ms': self.forward_ms,
            'suppression_ms': self.suppression_ms,
            'total_ms': self.total_ms,
            'images_per_second': self.images_per_second,
            'machine': dict(self.machine),
        }


def machine_of(detector: Detector, *, threads: int | None) -> dict[str, str]:
    """Return the description of the machine for a reader of the times."""
    on_cuda = detector.device.startswith('cuda')
    described = describe_machine(detector.device if on_cuda else 'cpu')
    if not on_cuda and detector.backend != 'torch':
        described['threads'] = str(threads or available_cores())
    described['load'] = f'{os.getloadavg()[0]:.1f}'  # other load makes a machine slower
    return {key: value for key, value in described.items() if key not in _OF_SCANS}


def _median_ms(seconds: Sequence[float]) -> float:
    return float(np.median(seconds)) * 1e3
