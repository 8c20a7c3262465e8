# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A ROS domain that no other participant on this machine uses."""

from __future__ import annotations

import os
import socket

# Domains 1..101 are safe on Linux: ports of higher ones are in the ephemeral range.
LAST_DOMAIN = 101
# RTPS 2.5, 9.6.2.3: a participant's unicast discovery port is PB + DG * domain + d1 + PG * number.
_PORT_BASE, _DOMAIN_GAIN, _UNICAST_DISCOVERY, _PARTICIPANT_GAIN = 7400, 250, 10, 2
_PARTICIPANTS = 8  # that processes which look at one moment could have kept from the first port


def free_domain(*, first: int | None = None, step: int = 1) -> int:
    """Return a ROS domain id that no participant on this machine uses.

    The search starts at `first`, or at a number derived from the process id, and tries every
    `step`-th domain, wrapping around within 1..101. Return `first` when all are in use.
    """
    start = os.getpid() if first is None else first - 1
    for k in range(0, LAST_DOMAIN, step):
        domain_id = (start + k) % LAST_DOMAIN + 1
        if _is_free(domain_id):
            return domain_id
    return start % LAST_DOMAIN + 1


def _is_free(domain_id: int) -> bool:
    """Return whether the discovery ports of the first participants of a domain can be bound.

    A participant takes the first one that it gets: another process that looks at the same moment
    leaves it the next one.
    """
    first = _PORT_BASE + _DOMAIN_GAIN * domain_id + _UNICAST_DISCOVERY
    for participant in range(_PARTICIPANTS):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
            try:
                port.bind(('', first + _PARTICIPANT_GAIN * participant))
            except OSError:
                return False
    return True
