# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Linux system calls that Python has no function for, or only in a later version."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from pathlib import Path
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_SIGKILL = 9
_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
_NOBODY = 65534


def call(number: int, *arguments: Any) -> int:
    """Make a system call by its number; raise OSError if it fails."""
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    return _checked(result)


def no_new_privileges() -> None:
    """Give up what a program with set-user-ID bits would grant, for good."""
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def die_with_parent() -> None:
    """Let the kernel kill this process when its parent ends."""
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0))


def leave_network() -> tuple[str, ...]:
    """Move to namespaces without network and without rights; return which.

    A user namespace of its own removes all rights over the machine, also from root. If a kernel
    does not allow everybody to create one, as Ubuntu's does by default, nothing is done.
    """
    user, group = os.geteuid(), os.getegid()
    with contextlib.suppress(OSError):
        _checked(_libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC))
        with contextlib.suppress(OSError):
            Path('/proc/self/setgroups').write_text('deny')
            Path('/proc/self/uid_map').write_text(f'{_NOBODY} {user} 1')
            Path('/proc/self/gid_map').write_text(f'{_NOBODY} {group} 1')
        return 'user namespace', 'network namespace'
    with contextlib.suppress(OSError):  # root, where user namespaces are switched off
        _checked(_libc.unshare(_CLONE_NEWNET | _CLONE_NEWIPC))
        return ('network namespace',)
    return ()


def drop_capabilities() -> None:
    """Drop every capability of root that this process has in its namespace."""
    header = ctypes.create_string_buffer(struct.pack('=Ii', 0x20080522, 0))  # version 3, oneself
    _checked(_libc.capset(header, ctypes.create_string_buffer(24)))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
