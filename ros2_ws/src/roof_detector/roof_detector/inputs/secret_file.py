# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Reads secrets from files, and hides them from the command line and the environment."""

from __future__ import annotations

import ctypes
import os
import stat
from pathlib import Path

from roof_detector.inputs.errors import InputError

_MOST_BYTES = 4096


def read_secret(path: Path, *, name: str) -> str:
    """Return the one line of a file that only its owner can read, or raise InputError.

    `name` is the name of the parameter that holds the path.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        msg = f'{name} {path} cannot be read ({error.strerror}).'
        raise InputError(msg) from error
    with os.fdopen(descriptor, 'rb') as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            msg = f'{name} {path} is not a regular file. Name a text file.'
            raise InputError(msg)
        if facts.st_mode & 0o077:
            msg = (
                f'{name} {path} can be read or written by other users (mode '
                f'{stat.S_IMODE(facts.st_mode):04o}): chmod 600 {path}, and choose another '
                'secret, because this one may be known.'
            )
            raise InputError(msg)
        if facts.st_uid not in (os.geteuid(), 0):
            msg = f'{name} {path} belongs to another user (uid {facts.st_uid}), who can read it.'
            raise InputError(msg)
        content = file.read(_MOST_BYTES + 1)
    try:
        secret = content.decode().strip()
    except UnicodeDecodeError:
        secret = ''
    if not secret or len(content) > _MOST_BYTES or len(secret.splitlines()) != 1:
        msg = f'{name} {path} does not hold one line of text.'
        raise InputError(msg)
    return secret


def take_variable(name: str) -> str:
    """Return a variable of the environment and remove it, from /proc/self/environ as well.

    No child process inherits it.
    """
    secret = os.environ.get(name, '')
    if secret:
        libc = ctypes.CDLL(None)
        libc.getenv.restype = ctypes.c_void_p
        address = libc.getenv(name.encode())
        if address:
            ctypes.memset(address, 0, len(os.fsencode(secret)))
    os.environ.pop(name, None)
    return secret.strip()


def hide_argument(secret: str) -> None:
    """Overwrite a secret on this process's command line, which every user can read.

    It was readable until now, so a file is the better place. Nothing happens where the system does
    not report the address of the command line.
    """
    sought = os.fsencode(secret)
    try:
        fields = Path('/proc/self/stat').read_text().rpartition(')')[2].split()
        begin, end = int(fields[45]), int(fields[46])  # arg_start and arg_end of proc(5)
    except (OSError, ValueError, IndexError):
        return
    if not sought or not begin < end:
        return
    arguments = ctypes.string_at(begin, end - begin)
    at = arguments.find(sought)
    while at >= 0:
        ctypes.memset(begin + at, ord('*'), len(sought))
        at = arguments.find(sought, at + len(sought))
