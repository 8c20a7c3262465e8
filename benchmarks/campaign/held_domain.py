# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A ROS domain that is kept for one process from before its first node comes."""

from __future__ import annotations

import socket

from roof_detector.ros.common.free_domain import LAST_DOMAIN, free_domain

_HELD: list[socket.socket] = []


def held_domain() -> int:
    """Return a domain that is free, and that this process keeps until it ends.

    Its nodes come seconds later, and ports alone show no other process that it is taken. The name
    is the one that the tests of nodes use, so that none of them takes it meanwhile.
    """
    domain_id = free_domain()
    while True:
        hold = socket.socket(socket.AF_UNIX)
        try:
            hold.bind(f'\0roof_detector.domain.{domain_id}')  # a name of one holder, no file
        except OSError:
            hold.close()
            domain_id = free_domain(first=domain_id % LAST_DOMAIN + 1)
        else:
            _HELD.append(hold)
            return domain_id
