# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which frames were published but never arrived."""

from __future__ import annotations


class SequenceGaps:
    """Count the messages missing between two arrivals, by the publisher's own numbering.

    A reader of depth 1 overwrites what its node has not taken yet without a word; the number that
    the middleware gives each publication shows it.
    """

    def __init__(self) -> None:
        self._number: int | None = None
        self._source_timestamp_ns = 0

    def count(
        self, number: int | None, *, source_timestamp_ns: int, one_publisher: bool
    ) -> int | None:
        """Return how many were missed before this message, or None when it came before.

        Numbers of several publishers cannot be told apart, and a restarted publisher begins anew:
        neither is counted as a gap.
        """
        if number is None or not one_publisher:
            self._number = None
            return 0
        previous, self._number = self._number, number
        newer = source_timestamp_ns > self._source_timestamp_ns
        if previous is not None and number <= previous and not newer:
            self._number = previous
            return None
        self._source_timestamp_ns = source_timestamp_ns
        if previous is None or number <= previous:
            return 0
        return number - previous - 1
