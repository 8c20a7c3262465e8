# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Landlock: limits on the files that this process and its children can open (Linux 5.13+).

The binding on PyPI is a pre-release, and all there is to bind are three system calls, which have
the same numbers on every architecture: https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from typing import TYPE_CHECKING

from roof_detector.inference.importing.system_calls import call, no_new_privileges

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _IOCTL = 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
_READ = _READ_FILE | _READ_DIR
# How many file rights each version of the interface has; unknown ones are an error.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_ALL_NETWORK = 0b11  # binding and connecting TCP, from version 4 on
_ALL_SCOPES = 0b11  # abstract sockets and signals to processes outside, from version 6 on


def landlock_version() -> int:
    """Return the version of the interface that this kernel offers, 0 for none."""
    try:
        return call(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    except OSError:
        return 0


def restrict_files(*, readable: Iterable[Path], writable: Iterable[Path]) -> int:
    """Deny every file but those given and what lies beneath them, for good; return the version.

    No file can be executed, no TCP port bound or connected, and no outside process signalled, as
    far as this kernel's version supports that. Paths that do not exist are left out. The limits
    hold for this thread and all that it starts. Raises OSError if the kernel has no landlock.
    """
    version = landlock_version()
    if not version:
        msg = 'This kernel has no landlock.'
        raise OSError(msg)
    rights = (1 << _FILE_RIGHTS.get(version, 16)) - 1
    attributes = struct.pack('=QQQ', rights, _ALL_NETWORK, _ALL_SCOPES)
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = call(_CREATE_RULESET, attributes[:size], size, 0)
    try:
        for path in readable:
            _allow(rules, path, _READ & rights)
        for path in writable:
            _allow(rules, path, rights & ~1 & ~_IOCTL)  # everything except executing
        no_new_privileges()
        call(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)
    return version


def _allow(rules: int, path: Path, rights: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(beneath).st_mode):
            rights &= _WRITE_FILE | _READ_FILE | _TRUNCATE
        attributes = ctypes.create_string_buffer(struct.pack('=Qi', rights, beneath))
        call(_ADD_RULE, rules, _PATH_BENEATH, attributes, 0)
    finally:
        os.close(beneath)
