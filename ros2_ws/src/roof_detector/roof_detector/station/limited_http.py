# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""HTTP and websocket protocols with limits that apply before a request is parsed.

uvicorn's parsers accept a head of any size and wait for it for ever. Here a head is collected up
to a limit and checked as bytes; only a small and plain one is passed to h11, the stricter of
uvicorn's two parsers.
"""

from __future__ import annotations

import asyncio
import functools
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

from roof_detector.station.connection_table import (
    BUSY,
    HEAD,
    IDLE,
    WEBSOCKET,
    Connection,
    ConnectionTable,
)
from roof_detector.station.refusal_log import RefusalLog, describe

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_HEAD_BYTES = 16_384
MAX_HEADERS = 64
MAX_TARGET_BYTES = 4096
# The largest message of the page, a table with its rows, has some ten thousand bytes.
MAX_MESSAGE_BYTES = 1 << 20
MAX_MESSAGES_PER_S = 200
_MESSAGE_BURST = 400
_METHODS = frozenset((b'GET', b'HEAD', b'POST', b'PUT', b'DELETE', b'PATCH', b'OPTIONS'))
_HEAD_END = re.compile(rb'\r?\n\r?\n')
_CONTROL = re.compile(rb'[\x00-\x08\x0a-\x1f\x7f]')
_PATH = re.compile(rb'/[\x21-\x7e]*')
_ONCE = (b'host', b'content-length', b'origin', b'upgrade')


class HeadRefused(ValueError):  # noqa: N818 - the name already says what is wrong
    """A request head that is refused before parsing; `status` is the HTTP status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def check_head(head: bytes) -> int:
    """Return the body length of a request head; raise HeadRefused if the head is invalid."""
    lines = re.split(rb'\r?\n', head.strip(b'\r\n'))
    if any(_CONTROL.search(line) for line in lines):
        raise HeadRefused(400, 'control characters in the head')
    words = lines[0].split(b' ')
    if len(words) != 3 or words[2] not in (b'HTTP/1.1', b'HTTP/1.0'):
        raise HeadRefused(400, 'not an HTTP/1.1 request')
    method, target, _ = words
    if method not in _METHODS:
        raise HeadRefused(405, 'a method that the page does not support')
    if len(target) > MAX_TARGET_BYTES:
        raise HeadRefused(414, f'an address of more than {MAX_TARGET_BYTES} bytes')
    if not _PATH.fullmatch(target):
        raise HeadRefused(400, 'an address that is not a path')
    if len(lines) - 1 > MAX_HEADERS:
        raise HeadRefused(431, f'more than {MAX_HEADERS} headers')
    headers = [line.partition(b':') for line in lines[1:]]
    names = [name.lower() for name, _, _ in headers]
    if any(not colon or not name or name != name.strip() for name, colon, _ in headers):
        raise HeadRefused(400, 'a header without a plain name')
    if any(names.count(name) > 1 for name in _ONCE):
        raise HeadRefused(400, 'a duplicate header')
    if b'host' not in names:
        raise HeadRefused(400, 'no Host')
    if b'transfer-encoding' in names:
        raise HeadRefused(411, 'a body of unstated length')
    values = {name.lower(): value.strip() for name, _, value in headers}
    length = values.get(b'content-length', b'0')
    if not re.fullmatch(rb'[0-9]{1,15}', length):
        raise HeadRefused(400, 'a Content-Length that is not a number')
    return int(length)


class LimitedHttpProtocol(H11Protocol):
    """One HTTP connection, registered in a table and limited in size and time."""

    def __init__(
        self,
        *args: Any,
        table: ConnectionTable,
        log: RefusalLog,
        guard: Callable[[Any], Any],
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._table = table
        self._log = log
        self._guard = guard
        self.app = guard(self.app)
        self._connection: Connection | None = None
        self._head = bytearray()
        self._later = bytearray()
        self._body_left = 0
        self._is_answered = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Add the connection to the table."""
        super().connection_made(transport)
        connection = self._connection = self._table.open(transport)
        if connection is None:  # refused and closed
            return
        # The access check finds the connection there and marks it as admitted.
        self.app_state = {**self.app_state, 'connection': connection}
        self.ws_protocol_class = functools.partial(
            LimitedWebSocketProtocol,
            table=self._table,
            log=self._log,
            guard=self._guard,
            connection=connection,
        )  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection from the table."""
        if self._connection is not None:
            self._table.close(self._connection)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Collect heads up to their limit, and pass heads and bodies on separately."""
        if self._connection is None or self.transport.is_closing():
            return
        self._connection.received_bytes += len(data)
        try:
            self._process(data)
        except HeadRefused as refusal:
            self._refuse(refusal.status, str(refusal))
        except Exception as error:
            self._log.refuse(self._connection.peer, 'not HTTP', detail=describe(error))
            self.transport.abort()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._is_answered = True
        self._next_request()

    def send_400_response(self, msg: str) -> None:
        """Respond to a request that h11 refuses."""
        self._refuse(400, 'not valid HTTP')

    def _next_request(self) -> None:
        connection = self._connection
        if connection is None or not self._is_answered or self.transport.is_closing():
            return
        if self._body_left:
            # Refused before its body arrived. A browser reads the response only after it has sent
            # everything, so the rest is read and dropped, but only for admitted peers.
            if not connection.is_admitted:
                self.transport.close()
            return
        connection.enter(IDLE)
        later, self._later = bytes(self._later), bytearray()
        if later:
            self.loop.call_soon(self.data_received, later)

    def _process(self, data: bytes) -> None:
        connection = self._connection
        assert connection is not None
        if self._body_left:
            body, data = data[: self._body_left], data[self._body_left :]
            self._body_left -= len(body)
            connection.awaits_body = self._body_left > 0
            super().data_received(body)
            if not self._body_left:
                self._next_request()
        if not data:
            return
        if connection.state == BUSY:
            self._later += data
            if len(self._later) > MAX_HEAD_BYTES:
                raise HeadRefused(400, 'requests before the response to the last one')
            return
        if connection.state == IDLE:
            connection.enter(HEAD)
        begin = max(0, len(self._head) - 3)
        self._head += data
        end = _HEAD_END.search(self._head, begin)
        if (end.end() if end else len(self._head)) > MAX_HEAD_BYTES:
            raise HeadRefused(431, f'a head of more than {MAX_HEAD_BYTES} bytes')
        if end is None:
            return
        head, rest = bytes(self._head[: end.end()]), bytes(self._head[end.end() :])
        self._head.clear()
        self._body_left = check_head(head)
        connection.enter(BUSY)
        self._is_answered = False
        connection.awaits_body = self._body_left > 0
        super().data_received(head)
        if rest and self.transport.get_protocol() is self:
            self._process(rest)
        elif rest:
            self.transport.get_protocol().data_received(rest)  # type: ignore[attr-defined]

    def _should_upgrade(self) -> bool:
        wants = bool(super()._should_upgrade())
        if wants and not self._table.may_become_websocket():
            raise HeadRefused(503, 'too many websockets are open')
        return wants

    def _unsupported_upgrade_warning(self) -> None:
        pass

    def _refuse(self, status: int, reason: str) -> None:
        assert self._connection is not None
        self._log.refuse(self._connection.peer, reason)
        self._head.clear()
        if (
            self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE)
            and not self.transport.is_closing()
        ):
            words = f'This request is refused: {reason}.\n'.encode()
            phrase = HTTPStatus(status).phrase
            self.transport.write(
                f'HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n'
                f'Content-Length: {len(words)}\r\nConnection: close\r\n\r\n'.encode()
                + words
            )
        self.transport.close()


class LimitedWebSocketProtocol(WSProtocol):
    """A websocket of the page, with limits on the size and rate of its messages."""

    def __init__(
        self,
        *args: Any,
        table: ConnectionTable,
        log: RefusalLog,
        guard: Callable[[Any], Any],
        connection: Connection,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.app = guard(self.app)
        self._table = table
        self._log = log
        self._connection = connection
        self._allowance = float(_MESSAGE_BURST)
        self._allowed_at_s = self.loop.time()
        connection.enter(WEBSOCKET)

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection from the table."""
        self._table.close(self._connection)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read frames; close the connection if they are invalid."""
        self._connection.received_bytes += len(data)
        try:
            super().data_received(data)
        except Exception as error:
            self._log.refuse(self._connection.peer, 'not a websocket', detail=describe(error))
            self.transport.abort()

    async def receive(self) -> Any:
        """Return the next message; delay a peer that sends too many."""
        message = await super().receive()
        if message['type'] == 'websocket.receive':
            now_s = self.loop.time()
            self._allowance += (now_s - self._allowed_at_s) * MAX_MESSAGES_PER_S
            self._allowance = min(self._allowance, float(_MESSAGE_BURST)) - 1.0
            self._allowed_at_s = now_s
            if self._allowance < 0:
                self._log.refuse(self._connection.peer, 'slowed down: too many messages')
                await asyncio.sleep(-self._allowance / MAX_MESSAGES_PER_S)
        return message


def protocol_factory(table: ConnectionTable, log: RefusalLog, guard: Callable[[Any], Any]) -> Any:
    """Return uvicorn's protocol factory; `guard` wraps the whole app."""
    return functools.partial(
        LimitedHttpProtocol, table=table, log=log, guard=functools.cache(guard)
    )
