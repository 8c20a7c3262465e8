# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The one Core of OpenVINO in this process."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def openvino_core() -> Any:
    """Return the process's Core; raise ImportError if OpenVINO is not installed.

    There must be no other: the CPU plugin of each Core gives the thread that loads it a signal
    stack (sigaltstack(2)), and restores the one before when it is destroyed. If two are destroyed
    in the order of their creation, the second restores a stack that is unmapped by then: the next
    signal in that thread, such as Ctrl-C, ends the process by SIGSEGV.
    """
    import openvino  # noqa: PLC0415  (only who runs such models needs it)

    return openvino.Core()
