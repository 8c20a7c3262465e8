# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The open connections of the page, and the choice of which to close for a new one."""

from __future__ import annotations

import asyncio
import ipaddress
import resource
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from roof_detector.station.refusal_log import RefusalLog

# A browser opens six connections and a websocket for a page.
MAX_CONNECTIONS = 256
MAX_CONNECTIONS_OF_A_PEER = 96
MAX_WEBSOCKETS = 64
# Files, pipes, DDS sockets and the page's database need handles, too.
_HANDLES_FOR_THE_REST = 256
_WANTED_HANDLES = 4096
HEAD_WITHIN_S = 10.0
IDLE_WITHIN_S = 20.0
# A slower connection counts as dead after this time.
STALLED_WITHIN_S = 30.0
_LEAST_BYTES_MEANWHILE = 1024
_SWEEP_PERIOD_S = 1.0

HEAD: Final = 'head'
BUSY: Final = 'busy'
IDLE: Final = 'idle'
WEBSOCKET: Final = 'websocket'
ConnectionState = Literal['head', 'busy', 'idle', 'websocket']


@dataclass(eq=False, kw_only=True)
class Connection:
    """One connection: its peer, its state, and whether it has passed the access check.

    `state` is HEAD (waiting for the head of a request), BUSY (a request is served), IDLE (kept
    open for the next request) or WEBSOCKET. `since_s` is when the state began.
    """

    peer: str
    transport: asyncio.Transport
    state: ConnectionState = HEAD
    since_s: float = field(default_factory=time.monotonic)
    is_admitted: bool = False
    awaits_body: bool = False
    received_bytes: int = 0
    _window_s: float = field(default_factory=time.monotonic)
    _window_bytes: int = 0
    _unsent_bytes: int = 0

    def enter(self, state: ConnectionState) -> None:
        """Change to another state."""
        self.state, self.since_s = state, time.monotonic()
        self._window_s, self._window_bytes = self.since_s, self.received_bytes

    def overdue(self, now_s: float) -> str:
        """Return why the connection has waited too long for its peer, '' if it has not."""
        if self.state == HEAD and now_s - self.since_s > HEAD_WITHIN_S:
            if not self.received_bytes:  # opened by a browser in advance
                return 'idle'
            return f'no whole request head within {HEAD_WITHIN_S:.0f} s'
        if self.state == IDLE and now_s - self.since_s > IDLE_WITHIN_S:
            return 'idle'
        unsent_bytes = self.transport.get_write_buffer_size()
        waits_for_body = self.awaits_body and self.transport.is_reading()
        moved = self.received_bytes - self._window_bytes >= _LEAST_BYTES_MEANWHILE
        drained = not unsent_bytes or unsent_bytes != self._unsent_bytes
        if (moved or not waits_for_body) and drained:
            self._window_s, self._window_bytes = now_s, self.received_bytes
        elif now_s - self._window_s > STALLED_WITHIN_S:
            return 'body too slow' if waits_for_body else 'response not read'
        self._unsent_bytes = unsent_bytes
        return ''


class ConnectionTable:
    """The open connections, kept within limits of number and time for all peers.

    A new connection replaces the oldest one that has not passed the access check, then the oldest
    idle one. It is closed only if all others are in use. Peers other than loopback have a lower
    limit each.
    """

    def __init__(
        self, log: RefusalLog, *, most: int = MAX_CONNECTIONS, websockets: int = MAX_WEBSOCKETS
    ) -> None:
        self._log = log
        self._most = most
        self._most_websockets = websockets
        self._connections: dict[Connection, None] = {}  # oldest first
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of connections in each state."""
        # Any thread may ask: a list is copied whole, a running iteration would see it change.
        return dict(Counter(connection.state for connection in list(self._connections)))

    def open(self, transport: asyncio.Transport) -> Connection | None:
        """Add a new connection; return None, and close it, if there is no room."""
        connection = Connection(peer=peer_of(transport), transport=transport)
        if not self._make_room(connection.peer):
            self._log.refuse(connection.peer, 'closed: too many connections are in use')
            transport.abort()
            return None
        self._connections[connection] = None
        if self._sweeper is None:
            self._sweep()
        return connection

    def close(self, connection: Connection) -> None:
        """Remove a connection."""
        self._connections.pop(connection, None)

    def may_become_websocket(self) -> bool:
        """Return whether one more websocket is allowed."""
        return self.counts.get(WEBSOCKET, 0) < self._most_websockets

    def _make_room(self, peer: str) -> bool:
        if not is_loopback(peer):
            of_peer = [one for one in self._connections if one.peer == peer]
            if len(of_peer) >= MAX_CONNECTIONS_OF_A_PEER and not self._evict(of_peer):
                return False
        everyone = list(self._connections)
        return len(everyone) < self._most or self._evict(everyone)

    def _evict(self, candidates: list[Connection]) -> bool:
        ranks: tuple[Callable[[Connection], bool], ...] = (
            lambda one: not one.is_admitted,
            lambda one: one.state == IDLE,
            lambda one: one.state == HEAD,
        )
        for rank in ranks:
            chosen = next((one for one in candidates if rank(one)), None)
            if chosen is not None:
                self._abort(chosen, 'closed for a newer connection')
                return True
        return False

    def _abort(self, connection: Connection, reason: str) -> None:
        self.close(connection)
        connection.transport.abort()
        self._log.refuse(connection.peer, reason)

    def _sweep(self) -> None:
        now_s = time.monotonic()
        for connection in list(self._connections):
            reason = connection.overdue(now_s)
            if reason == 'idle':
                self.close(connection)
                connection.transport.close()
            elif reason:
                self._abort(connection, f'closed: {reason}')
        loop = asyncio.get_running_loop()
        self._sweeper = loop.call_later(_SWEEP_PERIOD_S, self._sweep)


def peer_of(transport: asyncio.BaseTransport) -> str:
    """Return the peer's address; for IPv6 the network that one peer may choose from."""
    name = transport.get_extra_info('peername')
    host = str(name[0]) if isinstance(name, tuple) and name else ''
    try:
        address = ipaddress.ip_address(host.partition('%')[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        if not address.is_loopback:
            return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def is_loopback(peer: str) -> bool:
    """Return whether a peer is this computer."""
    try:
        return ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return False


def allowed_connections() -> int:
    """Raise the process's limit of open files; return how many connections it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_HANDLES if hard == resource.RLIM_INFINITY else min(_WANTED_HANDLES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(16, min(MAX_CONNECTIONS, soft - _HANDLES_FOR_THE_REST))
