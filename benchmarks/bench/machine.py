# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The machine, the versions and the commit of a measurement."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from roof_detector.inference.device_name import (
    available_cores,
    device_name,
    processor_instructions,
    resolve_device,
)

_PACKAGES = ('torch', 'ultralytics', 'openvino', 'onnxruntime', 'numpy', 'opencv-python', 'rclpy')
_HERE = Path(__file__).resolve().parent
# CPU flags that determine the speed in FP32, BF16 and INT8.
_ON_X86 = {'avx2', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_bf16', 'amx_int8'}
_ON_ARM = {'asimddp', 'bf16', 'i8mm', 'sve'}


def describe_run(*, device: str = 'auto') -> dict[str, Any]:
    """Return machine, versions and commit; `load_1min` shows the load of other programs.

    `device` is what a network runs on that is not on the CPU.
    """
    device = resolve_device(device)
    gpu = {} if device == 'cpu' else {'gpu': device_name(device)}
    return {
        'date': datetime.now(timezone.utc).isoformat(timespec='seconds'),
        'machine': {
            'processor': device_name('cpu'),
            **gpu,
            'instructions': sorted((_ON_X86 | _ON_ARM) & processor_instructions()),
            'cores': available_cores(),
            'memory_gb': round(os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9, 1),
            'system': platform.platform(),
            'load_1min': round(os.getloadavg()[0], 2),
        },
        'versions': {'python': platform.python_version(), **_versions()},
        'commit': _commit(),
    }


def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = 'not a package of Python here'
    return versions


def _commit() -> str:
    """Return the commit of the source tree, and whether there are uncommitted changes."""
    command = ('git', '-C', str(_HERE), 'describe', '--always', '--dirty', '--abbrev=12')
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return 'not in a git checkout'
