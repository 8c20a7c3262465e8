# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A TCP port for a server that starts in some seconds."""

from __future__ import annotations

import secrets
import socket

# Linux gives ports from 32768 on to connections (ip_local_port_range).
_FIRST, _COUNT = 20_000, 12_000


def free_port() -> int:
    """Return a port on which nothing listens, and which no connection is given meanwhile."""
    while True:
        port = _FIRST + secrets.randbelow(_COUNT)
        with socket.socket() as probe:
            try:
                probe.bind(('127.0.0.1', port))
            except OSError:
                continue
        return port
