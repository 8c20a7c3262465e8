# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The resources of a process, from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench.errors import BenchError

_TICKS_PER_S = os.sysconf('SC_CLK_TCK')
_PAGE_BYTES = os.sysconf('SC_PAGE_SIZE')


@dataclass(frozen=True, kw_only=True)
class ProcessSample:
    """CPU time since the start, resident memory, threads and open files of a process."""

    cpu_s: float
    memory_mb: float
    threads: int
    handles: int


def sample_process(pid: int) -> ProcessSample:
    """Read the resources of a process; raise BenchError if it has ended."""
    folder = Path('/proc') / str(pid)
    try:
        # Counted behind the name in brackets, which may hold anything (proc_pid_stat(5)).
        fields = (folder / 'stat').read_text().rpartition(')')[2].split()
        handles = len(list((folder / 'fd').iterdir()))
    except (FileNotFoundError, ProcessLookupError) as error:
        msg = f'Process {pid} ended while it was measured.'
        raise BenchError(msg) from error
    user, system, threads, resident_pages = (int(fields[i]) for i in (11, 12, 17, 21))
    return ProcessSample(
        cpu_s=(user + system) / _TICKS_PER_S,
        memory_mb=round(resident_pages * _PAGE_BYTES / 1e6, 1),
        threads=threads,
        handles=handles,
    )
