# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The names and abilities of the CPU and of CUDA devices, and the number of usable cores."""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache
from importlib.util import find_spec
from pathlib import Path


def available_cores() -> int:
    """Return how many cores this process may use (sched_getaffinity(2)), hyperthreads included."""
    return len(os.sched_getaffinity(0))


def processor_instructions() -> set[str]:
    """Return the instruction sets of the CPU, as Linux names them.

    The result includes the other words of /proc/cpuinfo, so ask only for known names.
    """
    try:
        return set(Path('/proc/cpuinfo').read_text(encoding='utf-8').split())
    except OSError:
        return set()


def is_x86() -> bool:
    """Return whether the CPU is one of Intel's or AMD's with 64 bits."""
    return platform.machine() == 'x86_64'


def has_int8_instructions() -> bool:
    """Return whether the CPU multiplies INT8 in one step (VNNI, AMX, or Arm's dot product).

    Without them INT8 is no quicker than FP32.
    """
    known = {'avx512_vnni', 'avx_vnni', 'amx_int8', 'asimddp'}
    return bool(known & processor_instructions())


@cache
def cuda_devices() -> tuple[str, ...]:
    """Return the CUDA devices that torch finds, cuda:0 and so on.

    Importing torch takes seconds and some 200 MB, which a detector that runs an export on the CPU
    saves: without a driver's library torch is not imported.
    """
    try:
        ctypes.CDLL('nvcuda.dll' if platform.system() == 'Windows' else 'libcuda.so.1')
    except OSError:
        return ()
    if find_spec('torch') is None:  # as on a drone whose models OpenVINO or ONNX Runtime runs
        return ()
    import torch  # noqa: PLC0415  (see above)

    return tuple(f'cuda:{index}' for index in range(torch.cuda.device_count()))


def resolve_device(device: str) -> str:
    """Return cpu or cuda:N for a request; the backend judges a device that torch lacks."""
    if device == 'auto':
        return 'cuda:0' if cuda_devices() else 'cpu'
    return 'cuda:0' if device == 'cuda' else device


def why_no_cuda(device: str) -> str:
    """Return why a device cuda:N cannot be used; empty if it can."""
    found = cuda_devices()
    if device in found:
        return ''
    if find_spec('torch') is None:
        return "torch, which finds CUDA devices, is not installed (pip install '.[torch]')"
    return f'torch finds only {", ".join(found)}' if found else 'torch finds no CUDA device'


def device_name(device: str) -> str:
    """Return the model name of the CPU, or of the given CUDA device."""
    if device.startswith('cuda'):
        import torch  # noqa: PLC0415  (only who has a CUDA device needs it)

        return torch.cuda.get_device_name(device)
    cpuinfo = Path('/proc/cpuinfo')  # platform.processor() leaves the model out on Linux
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding='utf-8').splitlines():
            if line.startswith('model name'):
                return line.partition(':')[2].strip()
    return platform.processor() or platform.machine()
