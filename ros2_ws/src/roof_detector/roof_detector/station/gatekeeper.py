# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Who may speak to the page: one check before everything that is served."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from roof_detector.station.station_parameters import Door

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = 'roof_detector_station'
# Around a file in a form stand a few hundred bytes.
_FORM_BYTES = 65536
# The browser itself shall refuse whatever is not of this station; NiceGUI's page needs the
# unsafe ones for its own scripts.
_POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
)
_HEADERS = (
    (b'content-security-policy', _POLICY.encode()),
    (b'x-content-type-options', b'nosniff'),
    (b'referrer-policy', b'no-referrer'),
)


class Gatekeeper:
    """Refuse requests and websockets without token, of other sites and to odd paths.

    Host: only this computer's own names and plain addresses, which no foreign name can be rebound
    to. Origin: only the page itself. Token, if there is one: once in the address, then in a cookie
    from which it cannot be read.
    """

    def __init__(self, app: App, *, door: Door, upload_limit_bytes: int) -> None:
        self._app = app
        self._door = door
        self._most_bytes = upload_limit_bytes + _FORM_BYTES
        key = door.token.encode()
        self._cookie = hmac.new(key, COOKIE.encode(), hashlib.sha256).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or answer at once."""
        if scope['type'] not in ('http', 'websocket'):
            await self._app(scope, receive, send)
            return
        headers = {name.decode('latin-1'): v.decode('latin-1') for name, v in scope['headers']}
        status, sentence = self._verdict(scope, headers)
        query = dict(parse_qsl(scope['query_string'].decode('latin-1')))
        if status == 200 and self._door.token and not self._has_cookie(headers):
            given = query.pop('token', '')
            if not hmac.compare_digest(given.encode(), self._door.token.encode()):
                status, sentence = 401, 'Open this page once with ?token=... in its address.'
            elif scope['type'] == 'http':
                await self._welcome(send, f'{scope["path"]}?{urlencode(query)}'.rstrip('?'))
                return
        if status == 200:
            await self._app(scope, receive, _with_headers(send))
        else:
            await _refuse(scope, send, status, sentence)

    def _verdict(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str]:
        host = headers.get('host', '')
        if not self._is_ours(host):
            return 421, f'This station is not called {host!r}; open it by its address.'
        origin = headers.get('origin')
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, f'Requests of {origin} are refused.'
        is_foreign = headers.get('sec-fetch-site') in ('cross-site', 'same-site')
        if is_foreign and headers.get('sec-fetch-mode') != 'navigate':
            return 403, 'Requests of other sites are refused.'
        return self._verdict_on_content(scope, headers)

    def _verdict_on_content(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str]:
        if '\\' in scope['path'] or '\0' in scope['path'] or '..' in scope['path'].split('/'):
            return 400, 'The path leads out of its folder.'
        if scope.get('method', 'GET') not in ('GET', 'HEAD', 'OPTIONS'):
            length = headers.get('content-length', '')
            if not length.isdecimal():
                return 411, 'The length of what is sent must be stated.'
            if int(length) > self._most_bytes:
                return 413, f'{length} bytes are more than the {self._most_bytes} allowed.'
        return 200, ''

    def _is_ours(self, host: str) -> bool:
        name = urlsplit(f'//{host}').hostname or ''
        own = socket.gethostname().lower()
        if name == 'localhost':
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return not self._door.is_loopback and name in (own, f'{own}.local')
        return address.is_loopback or not self._door.is_loopback

    def _has_cookie(self, headers: dict[str, str]) -> bool:
        try:
            morsel = SimpleCookie(headers.get('cookie', '')).get(COOKIE)
        except CookieError:
            return False
        return morsel is not None and hmac.compare_digest(
            morsel.value.encode(), self._cookie.encode()
        )

    async def _welcome(self, send: Send, path: str) -> None:
        """Give the cookie and take the token out of the address, so that none is left in sight."""
        cookie = f'{COOKIE}={self._cookie}; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000'
        # A path that begins with two slashes would be another host.
        place = '/' + path.lstrip('/')
        await send(
            {
                'type': 'http.response.start',
                'status': 303,
                'headers': [
                    (b'location', place.encode()),
                    (b'set-cookie', cookie.encode()),
                    *_HEADERS,
                ],
            }
        )
        await send({'type': 'http.response.body', 'body': b''})


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: MutableMapping[str, Any]) -> None:
        if message['type'] == 'http.response.start':
            message['headers'] = [*message.get('headers', []), *_HEADERS]
        await send(message)

    return send_with_headers


async def _refuse(scope: Scope, send: Send, status: int, sentence: str) -> None:
    if scope['type'] == 'websocket':
        await send({'type': 'websocket.close', 'code': 1008, 'reason': sentence})
        return
    head = [(b'content-type', b'text/plain; charset=utf-8'), *_HEADERS]
    await send({'type': 'http.response.start', 'status': status, 'headers': head})
    await send({'type': 'http.response.body', 'body': sentence.encode()})
