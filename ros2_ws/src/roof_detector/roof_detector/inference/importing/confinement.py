# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The kernel's confinement of this process, for good, before it opens a foreign file."""

from __future__ import annotations

import contextlib
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from roof_detector.inference.importing.landlock import restrict_files
from roof_detector.inference.importing.system_call_filter import refuse_system_calls
from roof_detector.inference.importing.system_calls import drop_capabilities, no_new_privileges

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Iterable

    from roof_detector.inference.importing.limits import Limits

SECCOMP, LANDLOCK = 'system call filter', 'landlock'
# Files that Python, torch and the C library read at run time, besides their own folders.
_SYSTEM_FILES = tuple(
    Path(name)
    for name in (
        '/usr/lib',
        '/usr/lib64',
        '/usr/local/lib',
        '/usr/share/zoneinfo',
        '/lib',
        '/lib64',
        '/etc/ld.so.cache',
        '/etc/localtime',
        '/proc/cpuinfo',
        '/proc/meminfo',
        '/sys/devices/system/cpu',
        '/dev/null',
        '/dev/urandom',
    )
)


# Prefixes of Python's audit events, https://docs.python.org/3/library/audit_events.html.
_REPORTED = (
    'os.system os.exec os.fork os.posix_spawn os.spawn os.kill os.remove os.rename os.mkdir '
    'os.rmdir os.link os.symlink os.truncate os.chmod os.chown os.setxattr subprocess. socket. '
    'shutil. tempfile. pty. webbrowser. urllib. ftplib. http. smtplib. imaplib. poplib.'
)


def confine(
    limits: Limits, *, readable: Iterable[Path], filters: ctypes.CDLL | None
) -> tuple[str, ...]:
    """Remove every permission of this process that reading an open file does not need.

    Limits come first, then landlock denies every file but those of `readable` and the system's
    libraries, then the filter of system calls (`filters` is libseccomp) refuses sockets, programs,
    processes, threads, signals and opening anything for writing. The filter alone enforces all of
    that; the others are a second wall, and keep private files from being read. Returns which of
    `SECCOMP` and `LANDLOCK` this kernel supports.
    """
    _limit(limits)
    no_new_privileges()
    walls = []
    with contextlib.suppress(OSError):  # kernels before 5.13, and those built without it
        restrict_files(readable=(*_SYSTEM_FILES, *readable), writable=())
        walls.append(LANDLOCK)
    with contextlib.suppress(OSError):
        drop_capabilities()
    if filters is not None:
        with contextlib.suppress(OSError):
            refuse_system_calls(filters)
            walls.append(SECCOMP)
    return tuple(walls)


def name_what_is_tried() -> None:
    """Let Python raise an error that names what a file tries to do.

    This only improves the message: code that bypasses Python's functions meets the kernel's walls,
    and only learns that something is not permitted.
    """
    reported = tuple(_REPORTED.split())

    def watch(event: str, _: object) -> None:
        if event.startswith(reported):
            raise PermissionError(event)

    sys.addaudithook(watch)


def _limit(limits: Limits) -> None:
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    space = pages * resource.getpagesize() + limits.memory_bytes
    for kind, most in (
        (resource.RLIMIT_AS, space),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (value, value))
    # The first second above the limit is a signal, which a file may ignore.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))
    # If memory runs out nevertheless, this process is killed first, not the one that flies.
    with contextlib.suppress(OSError):
        Path('/proc/self/oom_score_adj').write_text('1000')
