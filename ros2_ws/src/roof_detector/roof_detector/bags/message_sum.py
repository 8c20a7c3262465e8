# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""An order-independent checksum over the messages of a bag."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass
class MessageSum:
    """A count and a sum of messages, equal for the same messages in any order.

    The order does not matter because readers sort by time and recordings do not.
    """

    count: int = 0
    total: int = 0

    def add(self, topic: str, log_time_ns: int, data: bytes) -> None:
        """Add a message."""
        digest = hashlib.blake2b(f'{topic}\0{log_time_ns}\0'.encode(), digest_size=16)
        digest.update(data)
        self.count += 1
        self.total = (self.total + int.from_bytes(digest.digest(), 'little')) % (1 << 128)
