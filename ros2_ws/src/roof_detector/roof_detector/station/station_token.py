# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The station's token, from a file of its owner or from the environment.

Every node of the graph could read a parameter, and every user of this computer a command line.
"""

from __future__ import annotations

from pathlib import Path

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.secret_file import read_secret, take_variable
from roof_detector.station.errors import StationError

TOKEN_VARIABLE = 'ROOF_DETECTOR_STATION_TOKEN'


def station_token(token_file: str) -> str:
    """Return the token from a file, else from the environment, else ''; raise StationError.

    The variable is removed from the environment, so that no child process inherits it.
    """
    from_environment = take_variable(TOKEN_VARIABLE)
    if not token_file:
        return from_environment
    return read_token(Path(token_file).expanduser())


def read_token(path: Path) -> str:
    """Return the line of a token file that only its owner can read."""
    try:
        return read_secret(path, name='token_file')
    except InputError as error:
        msg = (
            f'{error} (umask 077; python3 -c "import secrets; print(secrets.token_urlsafe())" > '
            f'{path}) creates one.'
        )
        raise StationError(msg) from error
