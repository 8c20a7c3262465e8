# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass
class MessageSum:
    """Count messages and sum them up, so that two ways to the same ones give the same sum.

    Their order does not matter: readers sort by time, recordings do not.
    """

    count: int = 0
    total: int = 0

    def add(self, topic: str, log_time_ns: int, data: bytes) -> None:
        """Take a message."""
        digest = hashlib.blake2b(f'{topic}\0{log_time_ns}\0'.encode(), digest_size=16)
        digest.update(data)
        self.count += 1
        self.total = (self.total + int.from_bytes(digest.digest(), 'little')) % (1 << 128)
