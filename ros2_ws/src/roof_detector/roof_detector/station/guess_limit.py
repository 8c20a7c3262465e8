# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A limit on attempts with wrong tokens."""

from __future__ import annotations

import time
from collections import OrderedDict

from roof_detector.station.connection_table import is_loopback

WRONG_ANSWER_AFTER_S = 1.0
_BURST = 20.0
_PER_S = 1 / 3
_MOST_PEERS = 4096


class GuessLimit:
    """A count of wrong tokens per peer; a peer with too many has to wait.

    The owner is not locked out: a browser with the cookie needs no token, each address has its own
    count, and this computer, where tunnels end and the token file lies, never has to wait. Every
    wrong token is answered with a delay.
    """

    def __init__(self) -> None:
        self._peers: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, peer: str) -> float:
        """Return how long a peer has to wait before its next attempt, 0 for no wait."""
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
