# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a connection may cost before anybody asks for a token."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import resource
import select
import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st

from roof_detector.station import access_middleware, connection_table, guess_limit
from roof_detector.station.access_middleware import COOKIE, AccessMiddleware
from roof_detector.station.bind_address import BindAddress
from roof_detector.station.connection_table import ConnectionTable, allowed_connections
from roof_detector.station.limited_http import (
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_MESSAGE_BYTES,
    HeadRefused,
    check_head,
    protocol_factory,
)
from roof_detector.station.refusal_log import RefusalLog

TOKEN = 'a-secret-of-the-tests'
SMALL = 24


async def page(scope, receive, send):
    """Take a body to its end, echo a websocket, and fail where it is asked to."""
    if scope['type'] == 'lifespan':
        return
    if scope['type'] == 'websocket':
        assert (await receive())['type'] == 'websocket.connect'
        await send({'type': 'websocket.accept'})
        while (await receive())['type'] == 'websocket.receive':
            await send({'type': 'websocket.send', 'text': 'heard'})
        return
    while (await receive()).get('more_body'):
        pass
    if scope['path'] == '/fault':
        msg = 'a fault of ours'
        raise KeyError(msg)
    body = b'x' * (5_000_000 if scope['path'] == '/large' else 2)
    await send({'type': 'http.response.start', 'status': 200, 'headers': []})
    await send({'type': 'http.response.body', 'body': body})


class Server:
    """A real server with our protocol, in a thread."""

    def __init__(self, token=TOKEN):
        self.log = RefusalLog()
        self.table = ConnectionTable(self.log, most=SMALL, websockets=4)
        address = BindAddress('127.0.0.1', 8080, token)

        def guard(app):
            return AccessMiddleware(
                app, address=address, upload_limit_bytes=1_000_000, log=self.log
            )

        config = uvicorn.Config(
            page,
            port=0,
            http=protocol_factory(self.table, self.log, guard),
            ws='wsproto',
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_per_message_deflate=False,
            lifespan='off',
            access_log=False,
            log_level='warning',
            log_config=None,
        )
        self.server = uvicorn.Server(config)
        self.server.install_signal_handlers = lambda: None
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.host = f'Host: 127.0.0.1:{self.port}\r\n'
        return self

    def __exit__(self, *_):
        self.server.should_exit = True
        self.thread.join(10)

    def connect(self):
        return socket.create_connection(('127.0.0.1', self.port), timeout=60)

    def ask(self, data):
        with self.connect() as connection:
            with contextlib.suppress(OSError):
                connection.sendall(data if isinstance(data, bytes) else data.encode('latin-1'))
            with contextlib.suppress(OSError):
                return connection.recv(65536).decode('latin-1')
        return ''

    def records(self, caplog):
        """Return what the server logged, without what other threads of the tests did."""
        return [record for record in caplog.records if record.thread == self.thread.ident]

    @property
    def owner(self):
        """Return the headers of a browser that entered the token."""
        answer = self.ask(f'GET /?token={TOKEN} HTTP/1.1\r\n{self.host}\r\n')
        return self.host + 'Cookie: ' + re.search(f'{COOKIE}=\\w+', answer)[0] + '\r\n'


@pytest.fixture(scope='module')
def server():
    with Server() as server:
        yield server


@pytest.fixture
def owner(server):
    return server.owner


def assert_answers(server, owner):
    answer = server.ask(f'GET / HTTP/1.1\r\n{owner}\r\n')
    assert answer.startswith('HTTP/1.1 200'), answer


def status(answer):
    return int(answer.split(' ')[1])


def test_a_right_request_is_answered_and_its_connection_kept(server, owner):
    with server.connect() as connection:
        for _ in range(3):
            connection.sendall(f'GET / HTTP/1.1\r\n{owner}\r\n'.encode())
            answer = b''
            while not answer.endswith(b'\r\n0\r\n\r\n'):
                piece = connection.recv(65536)
                assert piece, answer
                answer += piece
            assert answer.startswith(b'HTTP/1.1 200') and answer.count(b'HTTP/1.1') == 1


def test_requests_that_come_together_are_answered_in_order(server, owner):
    with server.connect() as connection:
        connection.sendall(
            f'GET /fault HTTP/1.1\r\n{owner}\r\nGET / HTTP/1.1\r\n{owner}\r\n'.encode()
        )
        answers = b''
        while answers.count(b'HTTP/1.1') < 2:
            answers += connection.recv(65536)
    assert re.findall(rb'HTTP/1.1 (\d+)', answers) == [b'500', b'200']


def test_a_body_comes_whole_in_any_pieces(server, owner):
    with server.connect() as connection:
        head = f'POST /uploads/a/files HTTP/1.1\r\n{owner}Content-Length: 100000\r\n\r\n'
        for piece in (head[:30], head[30:] + 'a' * 10, 'a' * 99_990 + head[:20], head[20:]):
            connection.sendall(piece.encode())
            time.sleep(0.05)
        assert connection.recv(65536).startswith(b'HTTP/1.1 200')


def test_a_header_without_end_is_refused_while_it_is_small(server, owner):
    with server.connect() as connection:
        connection.sendall(f'GET / HTTP/1.1\r\n{server.host}X: '.encode())
        sent = 0
        with pytest.raises(OSError):
            for _ in range(100):
                sent += connection.send(b'a' * (1 << 20))
        assert sent < 16 << 20  # what lies in the kernel's buffers
    assert server.log.counts[f'a head of more than {MAX_HEAD_BYTES} bytes']
    assert_answers(server, owner)


@pytest.mark.parametrize(
    ('head', 'expected'),
    [
        ('GET / HTTP/1.1\r\n{host}' + 'a: b\r\n' * (MAX_HEADERS + 1), 431),
        ('GET / HTTP/1.1\r\n{host}X: ' + 'a' * MAX_HEAD_BYTES, 431),
        ('GET /' + 'a' * 5000 + ' HTTP/1.1\r\n{host}', 414),
        ('GET / HTTP/1.1\r\nHost: [\r\n', 421),
        ('GET / HTTP/1.1\r\n{host}{host}', 400),
        ('GET / HTTP/1.1\r\n', 400),
        ('GET / HTTP/1.0\r\n\r\n', 400),
        ('GET / HTTP/2.0\r\n{host}', 400),
        ('BREW / HTTP/1.1\r\n{host}', 405),
        ('CONNECT / HTTP/1.1\r\n{host}', 405),
        ('GET http://evil.example/ HTTP/1.1\r\n{host}', 400),
        ('GET /\xe9 HTTP/1.1\r\n{host}', 400),
        ('GET / HTTP/1.1\r\n{host}X: \x00\r\n', 400),
        ('GET / HTTP/1.1\r\n{host}X: a\rY: b\r\n', 400),
        ('GET / HTTP/1.1\r\n{host}X : a\r\n', 400),
        ('GET / HTTP/1.1\r\n{host}nothing\r\n', 400),
        ('POST / HTTP/1.1\r\n{host}Content-Length: 1, 2\r\n', 400),
        ('POST / HTTP/1.1\r\n{host}Content-Length: ' + '9' * 5000 + '\r\n', 400),
        ('POST / HTTP/1.1\r\n{host}Content-Length: 3\r\nContent-Length: 3\r\n', 400),
        ('POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n', 411),
        ('GET /%00 HTTP/1.1\r\n{host}', 400),
        ('GET /%0aSet-Cookie: HTTP/1.1\r\n{host}', 400),
        ('GET /%ff HTTP/1.1\r\n{host}', 400),
        ('GET /%2e%2e/etc/passwd HTTP/1.1\r\n{host}', 400),
        ('GET /?' + '&'.join(f'a{k}=' for k in range(300)) + ' HTTP/1.1\r\n{host}', 400),
        ('GET / HTTP/1.1\r\n{host}Origin: http://[\r\n', 403),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_no_browser_sends_gets_a_4xx(server, caplog, head, expected):
    with caplog.at_level(logging.DEBUG):
        answer = server.ask(head.replace('{host}', server.host) + '\r\n')
    assert status(answer) == expected, answer
    assert len(server.records(caplog)) <= 1 and 'Traceback' not in caplog.text


@given(
    st.binary(max_size=200),
    st.sampled_from([b'', b'GET / HTTP/1.1\r\n', b'POST /a HTTP/1.1\r\nHost: a\r\n']),
)
@settings(max_examples=300, deadline=None)
def test_any_head_is_checked_or_refused(data, begin):
    try:
        assert 0 <= check_head(begin + data + b'\r\n\r\n') < 10**15
    except HeadRefused as refusal:
        assert 400 <= refusal.status < 500


def open_files():
    return len(list(Path('/proc/self/fd').iterdir()))


def test_1100_half_sent_requests_keep_nobody_out(server, owner, monkeypatch):
    monkeypatch.setattr(connection_table, 'HEAD_WITHIN_S', 1e6)  # none of them is given up
    held, before = [], open_files()
    try:
        for k in range(1100):
            connection = server.connect()
            connection.sendall(b'GET / HT')
            held.append(connection)
            if k % 200 == 100:
                assert_answers(server, owner)
        assert_answers(server, owner)
        assert sum(server.table.counts.values()) <= SMALL
        deadline_s = time.monotonic() + 60  # the server closes what it turned away in its own time
        while open_files() - before >= 1100 + SMALL + 20:
            assert time.monotonic() < deadline_s, (before, open_files())
            time.sleep(0.05)
    finally:
        for connection in held:
            connection.close()


def test_connections_in_use_are_not_closed_for_new_ones(server, owner):
    with contextlib.ExitStack() as stack:
        used = []
        for _ in range(SMALL - 1):
            connection = stack.enter_context(server.connect())
            connection.sendall(
                f'POST /uploads/a/files HTTP/1.1\r\n{owner}Content-Length: 9\r\n\r\n'.encode()
            )
            used.append(connection)
        while server.table.counts.get('busy', 0) < SMALL - 1:
            time.sleep(0.01)
        for _ in range(3 * SMALL):
            stack.enter_context(server.connect()).sendall(b'GET / HT')
        for connection in used:
            connection.sendall(b'a' * 9)
            assert connection.recv(65536).startswith(b'HTTP/1.1 200')


@pytest.mark.parametrize(
    ('sent', 'reason'),
    [
        ('GET / HT', 'closed: no whole request head within 10 s'),
        (
            'POST /uploads/a/files HTTP/1.1\r\n{owner}Content-Length: 9000\r\n\r\na',
            'closed: body too slow',
        ),
        ('GET /large HTTP/1.1\r\n{owner}\r\n', 'closed: response not read'),
    ],
    ids=['head', 'body', 'answer'],
)
def test_a_connection_that_stops_is_closed(server, owner, monkeypatch, sent, reason):
    def closed():
        # Of this cause, whatever time the sentence names.
        counts = list(server.log.counts.items())
        return sum(count for said, count in counts if said.startswith(reason[:20]))

    before = closed()
    with server.connect() as connection:
        connection.sendall(sent.replace('{owner}', owner).encode())
        while not server.table.counts:
            time.sleep(0.01)
        monkeypatch.setattr(connection_table, 'HEAD_WITHIN_S', 10 - 9.8)
        monkeypatch.setattr(connection_table, 'STALLED_WITHIN_S', 0.2)
        ends_s = time.monotonic() + 60
        while closed() == before:
            assert time.monotonic() < ends_s, server.log.counts
            time.sleep(0.05)


class Clock:
    """A clock in the place of `time` that a test sets; `looks` is how often it was read."""

    def __init__(self):
        self.now_s = time.monotonic()
        self.looks = 0

    def monotonic(self):
        self.looks += 1
        return self.now_s


def test_a_slow_but_steady_upload_is_left_alone(server, owner, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(connection_table, 'time', clock)
    monkeypatch.setattr(connection_table, '_SWEEP_PERIOD_S', 0.01)
    with server.connect() as connection:
        connection.sendall(
            f'POST /uploads/a/files HTTP/1.1\r\n{owner}Content-Length: 20000\r\n\r\n'.encode()
        )
        while not server.table.counts.get('busy'):
            time.sleep(0.001)
        (ours,) = (one for one in list(server.table._connections) if one.state == 'busy')
        for k in range(1, 10):
            connection.sendall(b'a' * 2000)
            while ours.received_bytes < 2000 * k:
                time.sleep(0.001)
            clock.now_s += 0.7 * connection_table.STALLED_WITHIN_S
            seen = clock.looks
            while clock.looks < seen + 2:  # the server has looked for connections that stopped
                time.sleep(0.001)
        connection.sendall(b'a' * 2000)
        assert connection.recv(65536).startswith(b'HTTP/1.1 200')


def test_a_fault_of_ours_is_one_line(server, owner, caplog):
    server.log._logged.clear()
    with caplog.at_level(logging.INFO):
        answer = server.ask(f'GET /fault HTTP/1.1\r\n{owner}\r\n')
    assert status(answer) == 500 and 'fault of ours' not in answer
    (record,) = server.records(caplog)
    assert "KeyError: 'a fault of ours'" in record.getMessage() and record.exc_info is None


def test_refusals_of_one_cause_are_one_line_in_ten_seconds(caplog):
    log = RefusalLog()
    with caplog.at_level(logging.INFO):
        for k in range(1000):
            log.refuse('10.0.0.1', 'a cause', detail=f'{k}\nfaked line' + 'a' * 1000)
    (record,) = caplog.records
    assert '\n' not in record.getMessage() and len(record.getMessage()) < 300
    assert log.counts == {'a cause': 1000}


HANDSHAKE = (
    'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
    'Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n'
)


def frame(payload, *, opcode=1, fin=True):
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b'\xfe' + size.to_bytes(2, 'big')
    return bytes([fin << 7 | opcode]) + length + bytes(4) + payload


def test_a_websocket_needs_the_token_and_the_page_s_own_origin(server, owner):
    for who in (
        server.host,
        owner + 'Origin: http://evil.example\r\n',
        server.host + 'Cookie: a=b\r\n',
    ):
        assert status(server.ask(f'GET /ws HTTP/1.1\r\n{who}{HANDSHAKE}')) == 403
    answer = server.ask(f'GET /ws HTTP/1.1\r\n{owner}{HANDSHAKE}')
    assert status(answer) == 101 and 'deflate' not in answer


def test_a_message_of_any_size_in_any_pieces_is_bounded(server, owner):
    with server.connect() as connection:
        connection.sendall(f'GET /ws HTTP/1.1\r\n{owner}{HANDSHAKE}'.encode())
        assert b' 101 ' in connection.recv(65536)
        connection.sendall(frame(b'hello'))
        assert b'heard' in connection.recv(65536)
        with contextlib.suppress(OSError):
            for k in range(200):
                connection.sendall(frame(b'a' * 60_000, opcode=0 if k else 1, fin=False))
        with contextlib.suppress(ConnectionError):
            while connection.recv(65536):
                pass
    assert_answers(server, owner)


def test_websockets_are_counted(server, owner):
    with contextlib.ExitStack() as stack:
        answers = []
        for _ in range(6):
            connection = stack.enter_context(server.connect())
            connection.sendall(f'GET /ws HTTP/1.1\r\n{owner}{HANDSHAKE}'.encode())
            answers.append(status(connection.recv(65536).decode()))
        assert answers == [101] * 4 + [503] * 2


def test_messages_beyond_the_rate_wait(server, owner):
    with server.connect() as connection:
        connection.sendall(f'GET /ws HTTP/1.1\r\n{owner}{HANDSHAKE}'.encode())
        assert b' 101 ' in connection.recv(65536)
        began_s = time.monotonic()
        connection.sendall(frame(b'a') * 600)
        heard = b''
        while heard.count(b'heard') < 600:
            heard += connection.recv(65536)
        assert time.monotonic() - began_s > 0.8  # 400 at once, 200 in a second
    assert_answers(server, owner)


def test_a_wrong_token_is_answered_late_and_the_right_one_at_once(server, monkeypatch):
    delays_s, over = [], threading.Event()

    async def sleep(delay_s):
        delays_s.append(delay_s)
        while not over.is_set():
            await asyncio.sleep(0.01)

    monkeypatch.setattr(access_middleware, 'asyncio', SimpleNamespace(sleep=sleep))
    with contextlib.ExitStack() as stack:
        stack.callback(over.set)
        guesses = [stack.enter_context(server.connect()) for _ in range(10)]
        for guess in guesses:
            guess.sendall(f'GET /?token=wrong HTTP/1.1\r\n{server.host}\r\n'.encode())
        while len(delays_s) < len(guesses):
            time.sleep(0.01)
        body = f'token={TOKEN}'
        answer = server.ask(
            f'POST /token HTTP/1.1\r\n{server.host}Content-Length: {len(body)}\r\n\r\n{body}'
        )
        assert status(answer) == 303 and COOKIE in answer
        assert not select.select(guesses, [], [], 0)[0], 'the wrong ones wait'
        over.set()
        for guess in guesses:
            assert status(guess.recv(65536).decode('latin-1')) == 401
    assert min(delays_s) >= 0.5


def test_a_peer_that_guesses_is_not_compared_for_a_while_but_others_are(monkeypatch):
    limit = guess_limit.GuessLimit()
    for _ in range(30):
        limit.note_wrong('10.0.0.1')
        limit.note_wrong('127.0.0.1')
    assert limit.wait_s('10.0.0.1') > 0
    assert limit.wait_s('10.0.0.2') == limit.wait_s('127.0.0.1') == 0
    for k in range(20_000):
        limit.note_wrong(f'10.0.{k // 250}.{k % 250}')
    assert len(limit._peers) <= 4096


def test_the_limit_of_open_files_is_raised_and_connections_fit_into_it():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(300, before[0]), before[1]))
        assert allowed_connections() >= 200
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 300
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_no_log_holds_a_token_that_came_in_an_address(server, caplog):
    caplog.set_level(logging.DEBUG)
    for query in (TOKEN, f'{TOKEN}&tab=live', f'wrong-{TOKEN}', f'{TOKEN}%00', f'{TOKEN}\x7f'):
        for path in ('/', '/video', '/../x', '//evil.example/'):
            server.ask(f'GET {path}?token={query} HTTP/1.1\r\n{server.host}\r\n')
    server.ask(f'GET /?token={TOKEN} HTTP/1.1\r\nHost: [\r\n\r\n')
    server.ask(f'BREW /?token={TOKEN} HTTP/9.9\r\n{server.host}\r\n')
    server.ask(
        f'GET /?token={TOKEN} HTTP/1.1\r\n{server.host}Authorization: Bearer {TOKEN}\r\n\r\n'
    )
    assert TOKEN not in caplog.text
    assert not any(TOKEN in reason for reason in list(server.log.counts))
