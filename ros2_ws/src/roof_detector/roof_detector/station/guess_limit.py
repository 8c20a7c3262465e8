# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How often a wrong token may be tried."""

from __future__ import annotations

import time
from collections import OrderedDict

from roof_detector.station.connection_table import is_loopback

WRONG_ANSWER_AFTER_S = 1.0
_BURST = 20.0
_PER_S = 1 / 3
_MOST_PEERS = 4096


class GuessLimit:
    """Count wrong tokens by peer; one that tries too many is not compared for a while.

    The owner is not locked out: a browser that has the cookie is never asked for the token, other
    addresses have counts of their own, and of this computer itself, where tunnels end and where
    the token lies in a file, every token is compared. A wrong one is answered late everywhere.
    """

    def __init__(self) -> None:
        self._peers: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, peer: str) -> float:
        """Return for how long no token of a peer is compared, 0 where it is at once."""
        left = self._left(peer)
        return 0.0 if is_loopback(peer) or left >= 1 else (1 - left) / _PER_S

    def note_wrong(self, peer: str) -> None:
        """Count a wrong token."""
        self._peers[peer] = self._left(peer) - 1, time.monotonic()
        self._peers.move_to_end(peer)
        while len(self._peers) > _MOST_PEERS:
            self._peers.popitem(last=False)

    def _left(self, peer: str) -> float:
        left, noted_s = self._peers.get(peer, (_BURST, 0.0))
        return max(0.0, min(_BURST, left + (time.monotonic() - noted_s) * _PER_S))
