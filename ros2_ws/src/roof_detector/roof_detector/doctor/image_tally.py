# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import struct
import time


class ImageTally:
    """Count serialised images of one topic."""

    def __init__(self, type_name: str) -> None:
        self.type_name = type_name
        self.count = 0
        self.largest_bytes = 0
        self.least_age_s: float | None = None
        self._first_at = self._last_at = 0.0

    def add(self, image: bytes) -> None:
        """Count an image that has just arrived."""
        self._last_at = time.monotonic()
        if not self.count:
            self._first_at = self._last_at
        self.count += 1
        self.largest_bytes = max(self.largest_bytes, len(image))
        # CDR: four bytes of encapsulation, the second telling the byte order; then the header.
        seconds, nanoseconds = struct.unpack_from('<iI' if image[1] & 1 else '>iI', image, 4)
        age_s = time.time() - seconds - nanoseconds / 1e9
        self.least_age_s = age_s if self.least_age_s is None else min(self.least_age_s, age_s)

    @property
    def rate_hz(self) -> float:
        """Return the images per second between the first and the last."""
        span_s = self._last_at - self._first_at
        return (self.count - 1) / span_s if self.count > 1 and span_s > 0 else 0.0
