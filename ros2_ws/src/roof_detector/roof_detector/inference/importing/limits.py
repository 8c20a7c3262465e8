# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The resource limits for reading a foreign file."""

from __future__ import annotations

from dataclasses import dataclass

_GIB = 2**30
MOST_MODEL_BYTES = 8 * _GIB


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one reading, all enforced by the kernel or the parent process.

    `memory_bytes` is address space beyond that of the reader itself; `file_bytes` applies to each
    file that it writes; `deadline_s` is wall time, after which the reading is ended.
    """

    memory_bytes: int = 2 * _GIB
    cpu_s: int = 20
    file_bytes: int = _GIB
    deadline_s: float = 20.0

    @classmethod
    def for_file(cls, size: int) -> Limits:
        """Return the limits for a checkpoint of this many bytes.

        Reading holds a checkpoint about four times: as it is read, as FP32 weights, as it is
        written. The slowest SD card that a drone boots from reads 10 MB in a second.
        """
        slow_s = size / 10e6
        return cls(
            memory_bytes=2 * _GIB + 6 * size,
            cpu_s=20 + round(slow_s),
            file_bytes=64 * 2**20 + 2 * size,
            deadline_s=20.0 + slow_s,
        )
