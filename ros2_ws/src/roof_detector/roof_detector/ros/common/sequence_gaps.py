# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Which frames were published but never arrived, and which arrived twice."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

# A latched topic may keep as many for whoever asks again.
_REMEMBERED = 1000


def publisher_ids(publishers: Iterable[Any]) -> frozenset[bytes]:
    """Return the middleware's identities (GIDs) of the publishers that a node sees."""
    return frozenset(bytes(bytearray(one.endpoint_gid)) for one in publishers)


class SequenceGaps:
    """Count the messages missing between two arrivals, by the publisher's own numbering.

    A reader of depth 1 overwrites what its node has not taken yet without a word; the number that
    the middleware gives each publication shows it. A message that two readers of one topic both
    bring, as when one takes the other's place, is known by its number and the moment at which it
    was published, which are its own. Neither is compared with those before it: a camera that
    restarts counts anew, and its clock may have gone back. `repeated` counts what came twice.
    """

    def __init__(self) -> None:
        self.repeated = 0
        self._number: int | None = None
        self._publishers: frozenset[bytes] = frozenset()
        self._seen: OrderedDict[tuple[int, int], None] = OrderedDict()

    def count(
        self, number: int | None, *, source_timestamp_ns: int, publishers: frozenset[bytes]
    ) -> int | None:
        """Return how many were missed before this message, or None when it came before.

        `publishers` are those that the topic has by now. Numbers of several cannot be told apart,
        and others begin anew: neither is counted as a gap.
        """
        if number is None:
            self._number = None
            return 0
        if self._is_repeated(number, source_timestamp_ns):
            self.repeated += 1
            return None
        if len(publishers) > 1:
            self._number = None
            return 0
        # Those that came first may be known only after their first message.
        are_others = bool(self._publishers) and publishers.isdisjoint(self._publishers)
        previous, self._number, self._publishers = self._number, number, publishers
        if previous is None or number <= previous or are_others:
            return 0
        return number - previous - 1

    def _is_repeated(self, number: int, source_timestamp_ns: int) -> bool:
        if not source_timestamp_ns:  # a middleware that does not tell it
            return False
        identity = number, source_timestamp_ns
        if identity in self._seen:
            return True
        self._seen[identity] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return False
