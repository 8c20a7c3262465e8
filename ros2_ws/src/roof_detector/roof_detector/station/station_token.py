# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Where the station's token comes from: a file of its owner's, or the environment.

A parameter would be readable for every node of the graph, and a command line for every user of
this computer.
"""

from __future__ import annotations

from pathlib import Path

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.secret_file import read_secret, take_variable
from roof_detector.station.errors import StationError

TOKEN_VARIABLE = 'ROOF_DETECTOR_STATION_TOKEN'


def station_token(token_file: str) -> str:
    """Return the token of a file, else of the environment, else ''; raise StationError.

    The variable is taken out of the environment, so that no child process inherits it.
    """
    from_environment = take_variable(TOKEN_VARIABLE)
    if not token_file:
        return from_environment
    return read_token(Path(token_file).expanduser())


def read_token(path: Path) -> str:
    """Return the one line of a token file that nobody but its owner can read."""
    try:
        return read_secret(path, name='token_file')
    except InputError as error:
        msg = (
            f'{error} (umask 077; python3 -c "import secrets; print(secrets.token_urlsafe())" > '
            f'{path}) makes one.'
        )
        raise StationError(msg) from error
