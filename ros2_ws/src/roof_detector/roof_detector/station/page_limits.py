# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Limits on the pages and sockets of NiceGUI and Socket.IO."""

from __future__ import annotations

import functools
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from fastapi.responses import PlainTextResponse
from nicegui import Client, app, core
from socketio.exceptions import ConnectionRefusedError as SocketRefused

from roof_detector.station.refusal_log import OneLineErrors, RefusalLog, describe

if TYPE_CHECKING:
    from fastapi import Request, Response

# Pages that were fetched but have not opened their websocket; NiceGUI keeps each for a minute.
MAX_UNCONNECTED_PAGES = 48
_SHARE_OF_S, _MOST_BUILDING_S = 1.0, 0.3
_LOGGERS = ('uvicorn.error', 'nicegui', 'asyncio', 'engineio.server', 'socketio.server')


def harden_pages(log: RefusalLog) -> None:
    """Limit the memory and messages of pages and sockets; call once, before serving."""
    # With polling each request could open a session, and its body would be read into memory.
    app.config.socket_io_js_transports = ['websocket']
    core.sio.eio.transports = ['websocket']
    for handlers in core.sio.handlers.values():
        for event, handler in handlers.items():
            # Socket.IO inspects the signature of the disconnect handler.
            if event != 'disconnect':
                handlers[event] = _guarded(event, handler, log)
    app.exception_handler(404)(_not_found)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(OneLineErrors())


class PageBuilder:
    """A builder of pages that limits the share of time spent on building.

    A page takes some 0.1 s of the only thread that serves pages: a client that requests page after
    page must not stop the video and the buttons of open pages. A browser repeats a refused request
    by itself.
    """

    def __init__(self, build: Callable[[str], object], log: RefusalLog) -> None:
        self._build = build
        self._log = log
        self._spent: deque[tuple[float, float]] = deque()

    def __call__(self, tab: str) -> Response | None:
        """Build the present client's page at a tab, or return a response that makes it retry."""
        now_s = time.monotonic()
        while self._spent and now_s - self._spent[0][0] > _SHARE_OF_S:
            self._spent.popleft()
        _make_room_for_page()
        if sum(seconds for _, seconds in self._spent) > _MOST_BUILDING_S:
            self._log.refuse('a page', 'too many pages at once')
            return PlainTextResponse(
                'Too many pages are being opened; this one will load in a moment.',
                status_code=503,
                headers={'Retry-After': '1', 'Refresh': '1'},
            )
        began_s = time.thread_time()
        self._build(tab)
        # Rendering the elements takes about as long again.
        self._spent.append((now_s, 2 * (time.thread_time() - began_s)))
        return None


def _make_room_for_page() -> None:
    """Delete the oldest pages without a websocket if there are too many of them."""
    unconnected = [page for page in Client.instances.values() if not page.has_socket_connection]
    for page in unconnected[: max(0, len(unconnected) - MAX_UNCONNECTED_PAGES)]:
        page.delete()


async def _not_found(request: Request, _: Exception) -> Response:
    """Respond with one line; NiceGUI would build a page and keep it for a minute."""
    return PlainTextResponse('There is nothing at this address.', status_code=404)


def _guarded(event: str, handler: Callable[..., Any], log: RefusalLog) -> Callable[..., Any]:
    @functools.wraps(handler)
    async def guarded(*arguments: Any) -> Any:
        try:
            result = handler(*arguments)
            return await result if isinstance(result, Awaitable) else result
        except SocketRefused:
            raise
        except Exception as error:
            log.refuse('a page', f'an invalid message {event!r}', detail=describe(error))
            return False

    return guarded
