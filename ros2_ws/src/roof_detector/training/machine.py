# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The machine and versions of a measurement."""

from __future__ import annotations

import importlib.metadata
import platform

import torch

from roof_detector.inference.device_name import device_name


def describe_machine(device: str) -> dict[str, str]:
    """Return the description of the machine for a reader of the numbers."""
    versions = {'python': platform.python_version(), 'torch': torch.__version__}
    for package in ('triton', 'mamba_ssm'):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = 'not installed'
    on_cpu = torch.device(device).type == 'cpu'
    threads = {'threads': str(torch.get_num_threads())} if on_cpu else {}
    return {'device': device_name(device), **threads, 'system': platform.platform(), **versions}
