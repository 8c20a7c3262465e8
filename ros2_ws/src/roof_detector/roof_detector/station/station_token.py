# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Where the station's token comes from: a file of its owner's, or the environment.

A parameter would be readable for every node of the graph, and a command line for every user of
this computer.
"""

from __future__ import annotations

import ctypes
import os
import stat
from pathlib import Path

from roof_detector.station.errors import StationError

TOKEN_VARIABLE = 'ROOF_DETECTOR_STATION_TOKEN'
_MOST_BYTES = 4096
_HOW = (
    '(umask 077; python3 -c "import secrets; print(secrets.token_urlsafe())" > {path}) makes one.'
)


def station_token(token_file: str) -> str:
    """Return the token of a file, else of the environment, else ''; raise StationError.

    The variable is taken out of the environment, so that no child process inherits it.
    """
    from_environment = take_token_variable()
    if not token_file:
        return from_environment
    return read_token(Path(token_file).expanduser())


def read_token(path: Path) -> str:
    """Return the one line of a token file that nobody but its owner can read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        msg = f'token_file {path} cannot be read ({error.strerror}). {_HOW.format(path=path)}'
        raise StationError(msg) from error
    with os.fdopen(descriptor, 'rb') as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise StationError(f'token_file {path} is not a regular file. Name a text file.')
        if facts.st_mode & 0o077:
            raise StationError(
                f'token_file {path} can be read or written by other users (mode '
                f'{stat.S_IMODE(facts.st_mode):04o}): chmod 600 {path}, and choose another token, '
                'because this one may be known.'
            )
        if facts.st_uid not in (os.geteuid(), 0):
            raise StationError(
                f'token_file {path} belongs to another user (uid {facts.st_uid}): whoever owns '
                f'it can read it. {_HOW.format(path=path)}'
            )
        content = file.read(_MOST_BYTES + 1)
    try:
        token = content.decode().strip()
    except UnicodeDecodeError:
        token = ''
    if not token or len(content) > _MOST_BYTES or len(token.splitlines()) != 1:
        raise StationError(
            f'token_file {path} does not hold one line of text, the token. '
            f'{_HOW.format(path=path)}'
        )
    return token


def take_token_variable() -> str:
    """Return the token of the environment and remove it, from /proc/self/environ as well."""
    token = os.environ.get(TOKEN_VARIABLE, '')
    if token:
        libc = ctypes.CDLL(None)
        libc.getenv.restype = ctypes.c_void_p
        address = libc.getenv(TOKEN_VARIABLE.encode())
        if address:
            ctypes.memset(address, 0, len(os.fsencode(token)))
    os.environ.pop(TOKEN_VARIABLE, None)
    return token.strip()
