# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Counts, sizes, rates and ages of the images on a topic."""

from __future__ import annotations

import time

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.recorded_header import stamp_ns

# Some cameras count from their own start, which looks like an age of 56 years.
_OLDEST_S = 10 * 365.25 * 86_400


class ImageTally:
    """Count, size, rate and age of the serialised images of one topic.

    `unstamped` counts images whose stamp is not a time: never set, negative, or counted from a
    start.
    """

    def __init__(self, type_name: str) -> None:
        self.type_name = type_name
        self.count = 0
        self.unstamped = 0
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
        try:
            stamp_s = stamp_ns(image) / 1e9
        except InputError:  # too short for a stamp
            stamp_s = 0.0
        age_s = time.time() - stamp_s
        if stamp_s <= 0 or age_s > _OLDEST_S:
            self.unstamped += 1
            return
        self.least_age_s = age_s if self.least_age_s is None else min(self.least_age_s, age_s)

    @property
    def rate_hz(self) -> float:
        """Return the images per second from the first to the last."""
        span_s = self._last_at - self._first_at
        return (self.count - 1) / span_s if self.count > 1 and span_s > 0 else 0.0
