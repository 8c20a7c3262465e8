# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Access control of the page: one check before every request and websocket."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import html
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.requests import ClientDisconnect
from uvicorn.protocols.utils import ClientDisconnected

from roof_detector.station.connection_table import Connection
from roof_detector.station.guess_limit import WRONG_ANSWER_AFTER_S, GuessLimit
from roof_detector.station.language import Language
from roof_detector.station.refusal_log import RefusalLog, describe

if TYPE_CHECKING:
    from roof_detector.station.bind_address import BindAddress

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = 'roof_detector_station'
TOKEN_PATH = '/token'
# A form adds a few hundred bytes to a file.
_FORM_BYTES = 65536
# Every other body that the page sends is much smaller.
_OTHER_BODY_BYTES = 1 << 20
_TAKES_FILES = re.compile(r'/uploads/[\w-]+/files|/models|/inspections')
_LONGEST_PATH = 2048
_MOST_FIELDS = 64
# The browser refuses everything that is not from this station; NiceGUI's page needs the unsafe
# ones for its own scripts.
_POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)
_HEADERS = (
    (b'content-security-policy', _POLICY.encode()),
    (b'x-content-type-options', b'nosniff'),
    (b'referrer-policy', b'no-referrer'),
)
_FORM = """<!DOCTYPE html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><body style="font-family: sans-serif; margin: 15vh auto; max-width: 24rem">
<h1 style="font-size: 1.3rem">{title}</h1><form method="post" action="/token">
<label>{ask}<br><input type="password" name="token" autocomplete="current-password" autofocus
 style="width: 100%; font-size: 1.1rem; margin: 0.5rem 0"></label>
<button style="font-size: 1.1rem">{enter}</button></form><p>{message}</p></body>
"""


class Refusal(Exception):  # noqa: N818 - a response, not a fault
    """The refusal of a request; `reason` is one of a few."""

    def __init__(self, status: int, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.reason = status, reason


class AccessMiddleware:
    """ASGI middleware that refuses requests without a token, from other sites or to odd paths.

    Host: only names of this computer and plain addresses, to which no foreign name can be rebound.
    Origin: only the page itself. Token, if one is set: once in a form, an Authorization header or
    the address, then in a cookie that does not reveal it.
    """

    def __init__(
        self,
        app: App,
        *,
        address: BindAddress,
        upload_limit_bytes: int,
        log: RefusalLog | None = None,
        text: Language | None = None,
    ) -> None:
        self._app = app
        self._address = address
        self._most_bytes = upload_limit_bytes + _FORM_BYTES
        self._log = log or RefusalLog()
        self._text = text or Language('en')
        self._guesses = GuessLimit()
        key = address.token.encode()
        self._cookie = hmac.new(key, COOKIE.encode(), hashlib.sha256).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the app, or refuse it."""
        if scope['type'] not in ('http', 'websocket'):
            await self._app(scope, receive, send)
            return
        started = _Started(send)
        try:
            if await self._is_admitted(scope, receive, started):
                await self._app(scope, receive, started.with_headers)
        except Refusal as refusal:
            self._log.refuse(_peer(scope), refusal.reason)
            await self._refuse(scope, started, refusal)
        except (ClientDisconnect, ClientDisconnected):
            self._log.refuse(_peer(scope), 'a peer that disconnected during a request')
        except Exception as error:
            self._log.refuse(_peer(scope), 'an error during a request', detail=describe(error))
            if not started.is_started:
                await self._refuse(
                    scope, started, Refusal(500, 'error', 'This did not work; see the log.')
                )
            elif (connection := _connection(scope)) is not None:
                connection.transport.abort()

    async def _is_admitted(self, scope: Scope, receive: Receive, send: _Started) -> bool:
        """Return whether the app handles the request; False if the response was sent here."""
        headers = {name.decode('latin-1'): v.decode('latin-1') for name, v in scope['headers']}
        self._check_names(headers)
        _check_path(scope)
        query = _fields(scope['query_string'].decode('latin-1'))
        if self._address.token and not self._has_cookie(headers):
            is_form = scope['path'] == TOKEN_PATH and scope.get('method') == 'POST'
            if is_form:
                query = _fields(await _small_body(receive, headers))
            await self._check_token(scope, headers, query)
            if scope['type'] == 'http' and ('token' in query):
                await self._welcome(scope, send, {} if is_form else query)
                return False
        elif scope['path'] == TOKEN_PATH or (scope['type'] == 'http' and 'token' in query):
            await self._welcome(
                scope, send, query
            )  # the token must not stay visible or get into a log
            return False
        query.pop('token', None)
        scope['query_string'] = _without_token(scope['query_string'])
        connection = _connection(scope)
        if connection is not None:
            connection.is_admitted = True
        self._check_content(scope, headers)
        return True

    def _check_names(self, headers: dict[str, str]) -> None:
        host = headers.get('host', '')
        if not self._is_ours(host):
            raise Refusal(
                421,
                'a foreign Host',
                f'This station does not have the name {host!r}; open it by its address.',
            )
        origin = headers.get('origin')
        if origin is not None and _netloc(origin) != host:
            raise Refusal(403, 'a foreign Origin', f'Requests from {origin!r} are refused.')
        is_foreign = headers.get('sec-fetch-site') in ('cross-site', 'same-site')
        if is_foreign and headers.get('sec-fetch-mode') != 'navigate':
            raise Refusal(
                403, 'a request from another site', 'Requests from other sites are refused.'
            )

    async def _check_token(
        self, scope: Scope, headers: dict[str, str], query: dict[str, str]
    ) -> None:
        """Raise Refusal if the token is missing or wrong; a wrong one is refused with a delay."""
        kind, _, bearer = headers.get('authorization', '').partition(' ')
        given = query.get('token') or (bearer.strip() if kind.lower() == 'bearer' else '')
        if not given:
            raise Refusal(
                401, 'no token', 'This page needs its token: open it in a browser and enter it.'
            )
        peer = _peer(scope)
        wait_s = self._guesses.wait_s(peer)
        if wait_s:
            raise Refusal(
                429,
                'too many wrong tokens',
                f'Too many wrong tokens came from {peer}; wait {wait_s:.0f} s.',
            )
        if not hmac.compare_digest(given.encode(), self._address.token.encode()):
            self._guesses.note_wrong(peer)
            await asyncio.sleep(WRONG_ANSWER_AFTER_S)
            raise Refusal(401, 'a wrong token', 'This is not the token.')

    def _check_content(self, scope: Scope, headers: dict[str, str]) -> None:
        if scope.get('method', 'GET') in ('GET', 'HEAD', 'OPTIONS'):
            most = 0
        elif _TAKES_FILES.fullmatch(scope['path']):
            most = self._most_bytes
        else:
            most = min(self._most_bytes, _OTHER_BODY_BYTES)
        length = headers.get('content-length', '0' if not most else '')
        if not re.fullmatch('[0-9]{1,15}', length):
            raise Refusal(411, 'no length', 'The request needs a Content-Length.')
        if int(length) > most:
            raise Refusal(413, 'a body too large', f'{length} bytes exceed the limit of {most}.')

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f'//{host}').hostname or ''
            _ = urlsplit(f'//{host}').port
        except ValueError:
            return False
        own = socket.gethostname().lower()
        if name == 'localhost':
            return True
        try:
            ip = ipaddress.ip_address(name)
        except ValueError:
            return not self._address.is_loopback and name in (own, f'{own}.local')
        return ip.is_loopback or not self._address.is_loopback

    def _has_cookie(self, headers: dict[str, str]) -> bool:
        try:
            morsel = SimpleCookie(headers.get('cookie', '')).get(COOKIE)
        except CookieError:
            return False
        return morsel is not None and hmac.compare_digest(
            morsel.value.encode(), self._cookie.encode()
        )

    async def _welcome(self, scope: Scope, send: _Started, query: dict[str, str]) -> None:
        """Set the cookie and redirect to the address without the token."""
        query.pop('token', None)
        path = '/' if scope['path'] == TOKEN_PATH else scope['path']
        # A path that begins with two slashes would be another host.
        location = (
            '/' + quote(path.lstrip('/'), safe='/') + (f'?{urlencode(query)}' if query else '')
        )
        head = [(b'location', location.encode()), (b'cache-control', b'no-store'), *_HEADERS]
        if self._address.token:
            cookie = f'{COOKIE}={self._cookie}; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000'
            head.append((b'set-cookie', cookie.encode()))
        await send({'type': 'http.response.start', 'status': 303, 'headers': head})
        await send({'type': 'http.response.body', 'body': b''})

    async def _refuse(self, scope: Scope, send: _Started, refusal: Refusal) -> None:
        sentence = str(refusal)
        if scope['type'] == 'websocket':
            await send({'type': 'websocket.close', 'code': 1008, 'reason': refusal.reason})
            return
        kind, body = b'text/plain; charset=utf-8', sentence
        headers = {name.decode('latin-1'): v.decode('latin-1') for name, v in scope['headers']}
        if refusal.status in (401, 429) and 'text/html' in headers.get('accept', ''):
            words = {
                'title': self._text('title'),
                'ask': self._text('token_ask'),
                'enter': self._text('token_enter'),
                'message': sentence if refusal.reason != 'no token' else '',
            }
            kind = b'text/html; charset=utf-8'
            body = _FORM.format(**{key: html.escape(word) for key, word in words.items()})
        head = [
            (b'content-type', kind),
            (b'content-length', str(len(body.encode())).encode()),
            (b'cache-control', b'no-store'),
            *_HEADERS,
        ]
        await send({'type': 'http.response.start', 'status': refusal.status, 'headers': head})
        await send({'type': 'http.response.body', 'body': body.encode()})


class _Started:
    """An ASGI send function that records whether a response has started."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.is_started = False

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        self.is_started = True
        await self._send(message)

    async def with_headers(self, message: MutableMapping[str, Any]) -> None:
        """Send a message of the app, with our headers added to the response."""
        if message['type'] == 'http.response.start':
            message['headers'] = [*message.get('headers', []), *_HEADERS]
        await self(message)


def _check_path(scope: Scope) -> None:
    path = scope['path']
    is_plain = path.isprintable() and '\N{REPLACEMENT CHARACTER}' not in path
    leads_out = '\\' in path or '..' in path.split('/') or not path.startswith('/')
    if leads_out or not is_plain or len(path) > _LONGEST_PATH:
        raise Refusal(400, 'an odd path', 'The path leads out of its folder or is invalid.')


def _fields(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError as error:
        raise Refusal(400, 'too many fields', 'The address has too many fields.') from error


def _without_token(query_string: bytes) -> bytes:
    if b'token' not in query_string and b'%' not in query_string:  # %74oken is token as well
        return query_string
    fields = parse_qsl(query_string.decode('latin-1'), keep_blank_values=True)
    return urlencode([(name, value) for name, value in fields if name != 'token']).encode()


async def _small_body(receive: Receive, headers: dict[str, str]) -> str:
    length = headers.get('content-length', '')
    if not re.fullmatch('[0-9]{1,4}', length):
        raise Refusal(413, 'a body too large', 'A token has at most a few hundred characters.')
    body = b''
    while True:
        message = await receive()
        body += message.get('body', b'')
        if message['type'] != 'http.request' or not message.get('more_body'):
            return body.decode('latin-1')


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _connection(scope: Scope) -> Connection | None:
    connection = scope.get('state', {}).get('connection')
    return connection if isinstance(connection, Connection) else None


def _peer(scope: Scope) -> str:
    connection = _connection(scope)
    if connection is not None:
        return connection.peer
    client = scope.get('client')
    return str(client[0]) if client else ''
