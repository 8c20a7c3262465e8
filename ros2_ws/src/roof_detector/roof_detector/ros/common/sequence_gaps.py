# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Detection of messages that were lost or arrived twice."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

# A latched topic may send as many again to a new reader.
_REMEMBERED = 1000


def publisher_ids(publishers: Iterable[Any]) -> frozenset[bytes]:
    """Return the GIDs that the middleware gave to publishers."""
    return frozenset(bytes(bytearray(one.endpoint_gid)) for one in publishers)


class SequenceGaps:
    """Counts lost messages from the sequence numbers that the middleware gives to publications.

    A reader of depth 1 silently overwrites a message that its node has not taken yet; the sequence
    number shows the gap. Number and publication time together identify a message that arrives
    twice, as when one subscription replaces another; `repeated` counts those. They are not
    expected to increase: a camera that restarts counts from the beginning again, and its clock may
    have been set back.
    """

    def __init__(self) -> None:
        self.repeated = 0
        self._number: int | None = None
        self._publishers: frozenset[bytes] = frozenset()
        self._seen: OrderedDict[tuple[int, int], None] = OrderedDict()

    def count(
        self, number: int | None, *, source_timestamp_ns: int, publishers: frozenset[bytes]
    ) -> int | None:
        """Return how many messages were lost before this one; None if it arrived before.

        `publishers` are the present publishers of the topic. The numbers of several publishers
        cannot be distinguished, and new publishers start again: neither counts as a gap.
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
        # Discovery may report a publisher only after its first message.
        are_others = bool(self._publishers) and publishers.isdisjoint(self._publishers)
        previous, self._number, self._publishers = self._number, number, publishers
        if previous is None or number <= previous or are_others:
            return 0
        return number - previous - 1

    def _is_repeated(self, number: int, source_timestamp_ns: int) -> bool:
        if not source_timestamp_ns:  # a middleware that does not provide it
            return False
        identity = number, source_timestamp_ns
        if identity in self._seen:
            return True
        self._seen[identity] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return False
