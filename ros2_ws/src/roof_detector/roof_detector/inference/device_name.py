# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which processor or graphics card a device is, what it offers, and how many cores may be used."""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache
from pathlib import Path


def available_cores() -> int:
    """Return how many cores this process may use (sched_getaffinity(2)), hyperthreads included."""
    return len(os.sched_getaffinity(0))


def processor_instructions() -> set[str]:
    """Return the sets of instructions that the processor offers, as Linux names them.

    The other words of /proc/cpuinfo are among them: ask for known names.
    """
    try:
        return set(Path('/proc/cpuinfo').read_text(encoding='utf-8').split())
    except OSError:
        return set()


@cache
def cuda_devices() -> tuple[str, ...]:
    """Return the CUDA devices that torch finds, cuda:0 and so on.

    Importing torch takes seconds and some 200 MB, which a detector that runs an export on a
    processor can spare: without a driver's library there is nothing to ask torch about.
    """
    try:
        ctypes.CDLL('nvcuda.dll' if platform.system() == 'Windows' else 'libcuda.so.1')
    except OSError:
        return ()
    import torch  # noqa: PLC0415  (see above)

    return tuple(f'cuda:{index}' for index in range(torch.cuda.device_count()))


def resolve_device(device: str) -> str:
    """Return cpu or cuda:N for a wish; what is no device of torch stays for a backend to judge."""
    if device == 'auto':
        return 'cuda:0' if cuda_devices() else 'cpu'
    return 'cuda:0' if device == 'cuda' else device


def why_no_cuda(device: str) -> str:
    """Say why a device cuda:N cannot be used; empty where it is there."""
    found = cuda_devices()
    if device in found:
        return ''
    return f'torch finds only {", ".join(found)}' if found else 'torch finds no CUDA device'


def device_name(device: str) -> str:
    """Return the model of the processor, or of the CUDA device that is asked for."""
    if device.startswith('cuda'):
        import torch  # noqa: PLC0415  (only who has a CUDA device needs it)

        return torch.cuda.get_device_name(device)
    cpuinfo = Path('/proc/cpuinfo')  # platform.processor() leaves the model out on Linux
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding='utf-8').splitlines():
            if line.startswith('model name'):
                return line.partition(':')[2].strip()
    return platform.processor() or platform.machine()
