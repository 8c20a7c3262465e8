# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The network address of the ground station and the token that it requires."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from roof_detector.station.errors import StationError

_SHORTEST_TOKEN = 12


@dataclass(frozen=True)
class BindAddress:
    """The address that the page is served on and the token that opens it.

    Raises StationError for an address that others can reach without a token, and for a token that
    is easy to guess.
    """

    host: str
    port: int
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.is_loopback and not self.token:
            msg = (
                f'host is {self.host!r}, which others can reach, but token is empty. Name a '
                'token_file, or leave host at 127.0.0.1.'
            )
            raise StationError(msg)
        is_short = len(self.token) < _SHORTEST_TOKEN
        if self.token and (is_short or len(set(self.token)) < _SHORTEST_TOKEN // 2):
            msg = (
                f'token has {len(self.token)} characters, {len(set(self.token))} of them '
                f'different, expected at least {_SHORTEST_TOKEN} and {_SHORTEST_TOKEN // 2}; '
                'python3 -c "import secrets; print(secrets.token_urlsafe())" creates one.'
            )
            raise StationError(msg)

    @property
    def is_loopback(self) -> bool:
        """Return whether only this computer can reach the page."""
        if self.host == 'localhost':
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
