# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Check the GPU, or the CPU if there is none."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from roof_detector.doctor.finding import Finding, fail, ok, warn
from roof_detector.inference.device_name import available_cores

_SUBJECT = 'device'
# Device files of a desktop's driver and a Jetson's.
_GPU_FILES = ('/dev/nvidia0', '/dev/nvhost-gpu', '/dev/nvgpu/igpu0/ctrl')


def check_device() -> list[Finding]:
    """Find the GPU; warn if there is one that torch cannot use."""
    if find_spec('torch') is None:
        return _without_torch()
    try:
        import torch  # noqa: PLC0415
    except ImportError as error:
        return [fail(_SUBJECT, f'torch cannot be imported ({error}).', 'make setup')]
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return [ok(_SUBJECT, f'CUDA {torch.version.cuda}: {", ".join(names)}.')]
    cpu, present = _cpu(), _gpu_files()
    if present:
        return [
            warn(
                _SUBJECT,
                f'{cpu} There is a GPU ({present[0]}) that torch {torch.__version__} cannot use.',
                'python3 -c "import torch; torch.cuda.init()"  # prints the reason',
            )
        ]
    return [ok(_SUBJECT, cpu)]


def _without_torch() -> list[Finding]:
    """Return what runs models where only the extra `flight` is installed."""
    runtimes = [name for name in ('openvino', 'onnxruntime') if find_spec(name) is not None]
    if not runtimes:
        return [fail(_SUBJECT, 'No runtime for models is installed.', "pip install '.[flight]'")]
    names = ' or '.join(runtimes)
    summary = f'{_cpu()} {names} runs model packages; torch is not installed.'
    present = _gpu_files()
    if present:
        return [
            warn(
                _SUBJECT,
                f'{summary} There is a GPU ({present[0]}), which needs it.',
                "pip install '.[torch]'",
            )
        ]
    return [ok(_SUBJECT, summary)]


def _cpu() -> str:
    cores, load = available_cores(), os.getloadavg()[0]
    return f'The model runs on the CPU ({cores} cores, load {load:.1f}).'


def _gpu_files() -> list[str]:
    return [name for name in _GPU_FILES if Path(name).exists()]
