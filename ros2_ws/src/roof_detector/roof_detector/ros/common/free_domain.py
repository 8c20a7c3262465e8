# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A domain for a graph that is to hear nobody else on this machine."""

from __future__ import annotations

import os
import socket

# Domains 1..101 are safe on Linux: the ports of higher ones may be taken as ephemeral ports.
LAST_DOMAIN = 101
# RTPS 2.5, 9.6.2.3: a participant's unicast discovery port is PB + DG * domain + d1 + PG * number.
_PORT_BASE, _DOMAIN_GAIN, _UNICAST_DISCOVERY = 7400, 250, 10


def free_domain(*, first: int | None = None, step: int = 1) -> int:
    """Return a ROS domain id in which no participant lives on this machine.

    `first` is tried first, then every `step`-th after it, around 1..101; without it the search
    begins at a place of this process. When all are taken, `first` is returned.
    """
    start = os.getpid() if first is None else first - 1
    for k in range(0, LAST_DOMAIN, step):
        domain_id = (start + k) % LAST_DOMAIN + 1
        if _is_free(domain_id):
            return domain_id
    return start % LAST_DOMAIN + 1


def _is_free(domain_id: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first_participant:
        try:
            first_participant.bind(
                ('', _PORT_BASE + _DOMAIN_GAIN * domain_id + _UNICAST_DISCOVERY)
            )
        except OSError:
            return False
    return True
