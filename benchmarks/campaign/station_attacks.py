# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Attack a running ground station, which must respond to its owner and keep its token secret.

Each attack runs against a real station process on loopback, bounded in count and time. While it
runs, the owner asks for the page again and again over new connections. Judged is that

* every one of those is answered within 1 s, not counting the time in which other work of this
  machine kept the station or the owner from a core,
* memory and open files of the process stay bounded,
* what is odd gets a 4xx or no answer, never a 5xx, and one line of log per cause,
* nothing is reached without the token, and the right token opens the page after any number of
  wrong ones,
* the token is in no parameter, command line, environment, log, topic or answer.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.campaign.free_port import free_port
from benchmarks.campaign.held_domain import held_domain
from benchmarks.campaign.result import CampaignOptions, Tally, run_campaign
from benchmarks.campaign.stalls import Stalls, delay_s, run_queue_s

if TYPE_CHECKING:
    import random

ANSWER_WITHIN_S = 1.0
# Beside the rest of the test suite the cores are shared by many.
_SHORT_ANSWER_WITHIN_S = 3.0
_MEMORY_GROWTH_BYTES = 96 << 20
_MOST_HANDLES = 512
_PROBE_PERIOD_S = 0.1
_PATIENCE_S = 60.0  # with what is judged


class AttackedStation:
    """A station process with a token, and the requests of its owner and of an attacker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = secrets.token_urlsafe()
        token_file = folder / 'token'
        token_file.touch(mode=0o600)
        token_file.write_text(self.token + '\n')
        self.port = free_port()
        self.log = folder / 'station.log'
        self.domain = str(held_domain())
        with self.log.open('wb') as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, '-m', 'roof_detector.station.station_node', '--ros-args'),
                    *('-p', f'port:={self.port}', '-p', f'folder:={folder / "kept"}'),
                    *('-p', f'token_file:={token_file}'),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_without_pytest() | {'ROS_DOMAIN_ID': self.domain},
            )
        self.facts = psutil.Process(self.process.pid)
        self.cookie = ''

    def connect(self, timeout_s: float = 5.0) -> socket.socket:
        """Return a new connection, on which each step may take so long."""
        connection = socket.create_connection(('127.0.0.1', self.port), timeout=_PATIENCE_S)
        connection.settimeout(timeout_s)
        return connection

    def wait(self) -> None:
        """Wait for the page, and enter the token."""
        deadline_s = time.monotonic() + 120
        while time.monotonic() < deadline_s:
            if self.process.poll() is not None:
                msg = f'The station ended:\n{self.log.read_text()}'
                raise RuntimeError(msg)
            with suppress(OSError):
                answer = self.ask(f'GET /?token={self.token} HTTP/1.1\r\n{self.host}\r\n')
                head = answer.decode('latin-1')
                self.cookie = head.partition('set-cookie: ')[2].partition(';')[0]
                if self.cookie:
                    return
            time.sleep(0.2)
        msg = f'The station did not come up:\n{self.log.read_text()}'
        raise RuntimeError(msg)

    @property
    def host(self) -> str:
        """Return the header that every valid request has."""
        return f'Host: 127.0.0.1:{self.port}\r\n'

    @property
    def owner(self) -> str:
        """Return the headers of a browser with the cookie."""
        return f'{self.host}Cookie: {self.cookie}\r\n'

    def ask(self, request: str | bytes, *, timeout_s: float = 5.0) -> bytes:
        """Send bytes over a new connection and return the first bytes of the response."""
        data = request.encode('latin-1') if isinstance(request, str) else request
        with self.connect(timeout_s) as connection:
            with suppress(OSError):
                connection.sendall(data)
            with suppress(OSError):
                return connection.recv(65536)
        return b''

    def close(self) -> None:
        """End the process."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _without_pytest() -> dict[str, str]:
    """Return the environment without PYTEST_CURRENT_TEST, which NiceGUI would react to."""
    return {name: value for name, value in os.environ.items() if name != 'PYTEST_CURRENT_TEST'}


class Owner:
    """The owner's browser: a thread that requests the page repeatedly and records the times.

    `late` counts answers beyond the limit; one is a failure if it is late by more than other work
    of this machine kept a thread of the station or of the browser from a core meanwhile.
    """

    def __init__(self, station: AttackedStation, within_s: float) -> None:
        self._within_s = within_s
        self._station = station
        self._ended = threading.Event()
        self.answers = 0
        self.longest_s = 0.0
        self.failures: list[str] = []
        self.late = 0
        self._stalls = Stalls()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Owner:
        self._stalls.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(2 * _PATIENCE_S)
        self._stalls.__exit__()

    def _run(self) -> None:
        request = f'GET /load HTTP/1.1\r\n{self._station.owner}Connection: close\r\n\r\n'
        while not self._ended.is_set():
            began_s = time.monotonic()
            waited_s = run_queue_s(self._station.process.pid)
            try:
                answer = self._station.ask(request, timeout_s=_PATIENCE_S)
            except OSError as error:
                answer = str(error).encode()
            took_s = time.monotonic() - began_s
            self.answers += 1
            self.longest_s = max(self.longest_s, took_s)
            self.late += took_s > self._within_s
            machine_s = self._stalls.since_s(began_s)
            if took_s > self._within_s:
                machine_s += delay_s(waited_s, run_queue_s(self._station.process.pid))
            allowed_s = self._within_s + machine_s
            if not answer.startswith(b'HTTP/1.1 200') or took_s > allowed_s:
                self.failures.append(
                    f'{answer[:15]!r} after {took_s:.2f} s, {machine_s:.2f} s of them the machine'
                )
            self._ended.wait(_PROBE_PERIOD_S)


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Duration, connections and random generator of an attack."""

    seconds: float
    connections: int
    chance: random.Random
    every: int
    answer_within_s: float

    def until(self) -> Iterator[None]:
        """Yield until the time is over."""
        ends_s = time.monotonic() + self.seconds
        while time.monotonic() < ends_s:
            yield


Attack = Callable[[AttackedStation, Effort], Iterator[str]]


@contextmanager
def many(station: AttackedStation, count: int, data: bytes) -> Iterator[list[socket.socket]]:
    """Open connections, send the same bytes on each, and hold them."""
    held: list[socket.socket] = []
    try:
        for _ in range(count):
            with suppress(OSError):
                connection = station.connect()
                held.append(connection)
                if data:
                    connection.sendall(data)
        yield held
    finally:
        for connection in held:
            connection.close()


def endless_header(station: AttackedStation, effort: Effort) -> Iterator[str]:
    """Send 100 MB of one header that never ends, on four connections at a time."""
    begin = f'GET / HTTP/1.1\r\n{station.host}X: '.encode()
    block = b'a' * (1 << 20)
    for _ in effort.until():
        with many(station, 4, begin) as held:
            for connection in held:
                with suppress(OSError):
                    for _ in range(100):
                        connection.sendall(block)
                    yield '100 MB of a header were accepted'


def many_headers(station: AttackedStation, effort: Effort) -> Iterator[str]:
    """Send heads of 60,000 short headers, and targets of 250 kB, over and over."""
    odd = (
        f'GET / HTTP/1.1\r\n{station.host}' + 'a:\r\n' * 60_000 + '\r\n',
        f'GET /{"a" * 250_000} HTTP/1.1\r\n{station.host}\r\n',
        f'GET /?{"a=1&" * 60_000} HTTP/1.1\r\n{station.host}\r\n',
        f'GET / HTTP/1.1\r\n{station.host}Cookie: {"a=1; " * 50_000}\r\n\r\n',
    )
    for _ in effort.until():
        for request in odd:
            yield from _refused(station.ask(request), 'a head beyond the limits')


def half_sent(station: AttackedStation, effort: Effort) -> Iterator[str]:
    """Hold 1,100 connections with half a request, and send each a byte now and then."""
    with many(
        station, effort.connections, f'GET / HTTP/1.1\r\n{station.host}X: '.encode()
    ) as held:
        for _ in effort.until():
            for connection in held:
                with suppress(OSError):
                    connection.sendall(b'a')
            time.sleep(0.2)
    yield ''


def silent(station: AttackedStation, effort: Effort) -> Iterator[str]:
    """Hold 1,100 silent connections."""
    with many(station, effort.connections, b''):
        time.sleep(effort.seconds)
    yield ''


def churn(station: AttackedStation, effort: Effort) -> Iterator[str]:
    """Open and close connections as fast as one process can."""
    for _ in effort.until():
        with many(station, 50, b'GET / HT'):
            pass
    yield ''


def body_without_token(station: AttackedStation, effort: Effort) -> Iterator[str]:
    """Announce 10 GB, or no length, and start to send it without a token."""
    heads = ('Content-Length: 10000000000\r\n', 'Transfer-Encoding: chunked\r\n')
    for _ in effort.until():
        for head in heads:
            for path in ('/uploads', '/models?name=a.onnx', '/_nicegui_ws/socket.io/'):
                request = f'POST {path} HTTP/1.1\r\n{station.host}{head}\r\n{"a" * 100_000}'
                yield from _refused(station.ask(request), 'a body without token')


def slow_body(station: AttackedStation, effort: Effort) -> Iterator[str]:
    """Hold 200 uploads of the owner's browser that send a byte now and then."""
    head = (
        f'POST /uploads/none/files?name=a.jpg HTTP/1.1\r\n{station.owner}'
        'Content-Length: 1000000\r\n\r\n'
    )
    with many(station, effort.connections // 5, head.encode()) as held:
        for _ in effort.until():
            for connection in held:
                with suppress(OSError):
                    connection.sendall(b'a')
            time.sleep(0.2)
    yield ''


def unread_answers(station: AttackedStation, effort: Effort) -> Iterator[str]:
    """Request the largest file of the page repeatedly without reading a response."""
    large = f'/_nicegui/{version("nicegui")}/static/quasar.umd.prod.js'
    request = f'GET {large} HTTP/1.1\r\n{station.owner}\r\n'
    with many(station, effort.connections // 5, request.encode()):
        time.sleep(effort.seconds)
    yield ''


def page_after_page(station: AttackedStation, effort: Effort) -> Iterator[str]:
    """Request the page over eight connections at once, with the token."""
    request = f'GET / HTTP/1.1\r\n{station.owner}Connection: close\r\n\r\n'

    def ask() -> None:
        for _ in effort.until():
            with suppress(OSError):
                station.ask(request, timeout_s=10)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield ''


_ODD_HEADS = (
    'Host: [',
    'Host: ]',
    'Host: [::1',
    'Host: 127.0.0.1:99999999',
    'Host: 127.0.0.1:x',
    'Host: evil.example',
    'Host: 127.0.0.1.evil.example',
    'Host: \x00',
    'Host: \xff\xfe',
    'Host:',
    'X: y',
    'Host: a\r\nHost: b',
    '{host}\r\nOrigin: http://[',
    '{host}\r\nOrigin: http://evil.example',
    '{host}\r\nOrigin: null',
    '{host}\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors',
    '{host}\r\nCookie: \x01',
    '{host}\r\nCookie: =;;=,;\xff',
    '{host}\r\nCookie: roof_detector_station=\xff',
    '{host}\r\nAuthorization: Bearer',
    '{host}\r\nAuthorization: Bearer \xff\xff',
    '{host}\r\nContent-Length: -1',
    '{host}\r\nContent-Length: 1e3',
    '{host}\r\nContent-Length: ' + '9' * 5000,
    '{host}\r\nContent-Length: 3\r\nContent-Length: 4',
    '{host}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked',
    '{host}\r\nTransfer-Encoding: gzip, chunked',
    '{host}\r\n continued: line',
    '{host}\r\nno colon',
    '{host}\r\nUpgrade: websocket\r\nConnection: Upgrade',
    '{host}\r\nUpgrade: h2c\r\nConnection: Upgrade',
    '{host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 99\r\n'
    'Sec-WebSocket-Key: a',
)
_ODD_TARGETS = (
    '/%00',
    '/..',
    '/../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/station/..%2f..%2faccess_middleware.py',
    '/a\\b',
    '/%0d%0aSet-Cookie:%20a=b',
    '/%ff%fe',
    '/%ed%a0%80',
    '/%e2%80%ae',
    '//evil.example/',
    'http://evil.example/',
    '*',
    'evil',
    '/?token=%ff',
    '/?token=' + 'a' * 4000,
    '/?' + '&'.join(f'a{k}=1' for k in range(500)),
    '/video?width=-1',
    '/video?width=99999999999999999999999',
    '/thumbnail?camera=%00&number=' + '9' * 4000,
    '/jobs/..%2f..%2f/zip',
    '/flights/%2e%2e/zip',
    '/flights/..%2f..%2fetc/zip',
    '/flights/' + 'a' * 3000 + '/zip',
    '/jobs/x/after/' + 'a' * 3000,
    '/token',
)
_ODD_STARTS = (
    b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + bytes(200),
    b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    b'GET /\r\n\r\n',
    b'\r\n\r\n\r\n\r\n',
    b'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
    b'TRACE / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
    b'GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n',
    b'GET  /  HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
    b'\x00' * 1000 + b'\r\n\r\n',
)


def odd_requests(station: AttackedStation, effort: Effort) -> Iterator[str]:
    """Send invalid requests with and without the token, and mutants of valid ones."""
    host = station.host.strip()
    for who in (host, station.owner.strip()):
        for head in _ODD_HEADS[:: effort.every]:
            yield from _no_fault(
                station.ask(f'GET / HTTP/1.1\r\n{head.replace("{host}", who)}\r\n\r\n'), head
            )
        for target in _ODD_TARGETS[:: effort.every]:
            for method in ('GET', 'POST', 'DELETE'):
                yield from _no_fault(
                    station.ask(f'{method} {target} HTTP/1.1\r\n{who}\r\n\r\n'), target
                )
    for start in _ODD_STARTS:
        yield from _no_fault(station.ask(start), repr(start[:20]))
    right = f'GET /load?a=b HTTP/1.1\r\n{station.owner}Accept: */*\r\n\r\n'.encode()
    for _ in effort.until():
        mutant = bytearray(right)
        for _ in range(effort.chance.randint(1, 6)):
            at = effort.chance.randrange(len(mutant))
            if effort.chance.random() < 0.5:
                mutant[at] = effort.chance.randrange(256)
            elif effort.chance.random() < 0.5:
                del mutant[at : at + effort.chance.randint(1, 20)]
            else:
                mutant[at:at] = bytes(
                    effort.chance.randrange(256) for _ in range(effort.chance.randint(1, 20))
                )
        # Other attacks measure the time limit of unfinished requests.
        yield from _no_fault(station.ask(bytes(mutant) + b'\r\n\r\n'), repr(bytes(mutant)))


def wrong_tokens(station: AttackedStation, effort: Effort) -> Iterator[str]:
    """Guess tokens over many connections; the right one must still open the page at once."""
    reached: list[str] = []

    def guess() -> None:
        for _ in effort.until():
            with suppress(OSError):
                answer = station.ask(
                    f'GET /load?token={secrets.token_hex(16)} HTTP/1.1\r\n{station.host}\r\n'
                )
                if answer.startswith((b'HTTP/1.1 2', b'HTTP/1.1 3')):
                    reached.append('a wrong token opened the page')

    threads = [threading.Thread(target=guess) for _ in range(40)]
    for thread in threads:
        thread.start()
    with Stalls() as stalls:
        for _ in effort.until():
            began_s, waited_s = time.monotonic(), run_queue_s(station.process.pid)
            answer = station.ask(
                f'POST /token HTTP/1.1\r\n{station.host}'
                f'Content-Length: {len(station.token) + 6}\r\n\r\ntoken={station.token}',
                timeout_s=_PATIENCE_S,
            )
            took_s = time.monotonic() - began_s
            machine_s = stalls.since_s(began_s)
            machine_s += delay_s(waited_s, run_queue_s(station.process.pid))
            is_late = took_s > effort.answer_within_s + machine_s
            opened = answer.startswith(b'HTTP/1.1 303') and not is_late
            yield '' if opened else f'the right token: {answer[:40]!r} after {took_s:.2f} s'
            time.sleep(0.2)
    for thread in threads:
        thread.join()
    yield from reached


def sockets(station: AttackedStation, effort: Effort) -> Iterator[str]:
    """Misuse websockets: without token, from another site, with too large or many messages."""
    path = '/_nicegui_ws/socket.io/?EIO=4&transport=websocket'
    handshake = (
        'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
        'Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n'
    )
    for who in (station.host, station.owner + 'Origin: http://evil.example\r\n'):
        answer = station.ask(f'GET {path} HTTP/1.1\r\n{who}{handshake}')
        yield '' if b' 101 ' not in answer else 'a websocket was opened without a token'
    answer = station.ask(
        f'GET {path} HTTP/1.1\r\n{station.owner}{handshake}', timeout_s=_PATIENCE_S
    )
    yield '' if b' 101 ' in answer else f'the owner got no websocket: {answer[:60]!r}'
    yield '' if b'deflate' not in answer else 'messages may be compressed'
    open_bytes = f'GET {path} HTTP/1.1\r\n{station.owner}{handshake}'.encode()
    for _ in effort.until():
        with suppress(ConnectionError), station.connect(_PATIENCE_S) as connection:
            connection.sendall(open_bytes)
            connection.recv(4096)
            connection.sendall(_frame(b'40'))
            kind = effort.chance.randrange(4)
            if kind == 0:
                connection.sendall(b'\x81\xff' + (64 << 20).to_bytes(8, 'big') + bytes(4))
                for _ in range(64):
                    connection.sendall(bytes(1 << 20))
                yield 'a message of 64 MB was accepted'
            elif kind == 1:
                for k in range(4000):
                    connection.sendall(_frame(b'42' + b'a' * 1000, opcode=0 if k else 1, fin=0))
                while connection.recv(4096):  # until it is closed; else this times out
                    pass
            elif kind == 2:
                words = (b'42["event",{}]', b'42["handshake",7]', b'42[', b'42["ack"]', b'9', b'')
                for _ in range(200):
                    connection.sendall(_frame(effort.chance.choice(words)))
            else:
                connection.sendall(bytes(effort.chance.randrange(256) for _ in range(4000)))
    with many(station, effort.connections // 7, open_bytes):
        time.sleep(1)
    yield ''


def _frame(payload: bytes, *, opcode: int = 1, fin: int = 1) -> bytes:
    """Return a masked websocket frame; a mask of zeros keeps the payload."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b'\xfe' + size.to_bytes(2, 'big')
    return bytes([fin << 7 | opcode]) + length + bytes(4) + payload


def _refused(answer: bytes, what: str) -> Iterator[str]:
    fine = not answer or answer.startswith(b'HTTP/1.1 4')
    yield '' if fine else f'{what}: {answer[:60]!r}'


def _no_fault(answer: bytes, what: str) -> Iterator[str]:
    fine = not answer or answer[:10] in (b'HTTP/1.1 2', b'HTTP/1.1 3', b'HTTP/1.1 4')
    fine = fine and b'root:' not in answer
    yield '' if fine else f'{what[:60]}: {answer[:60]!r}'


ATTACKS: tuple[Attack, ...] = (
    endless_header,
    many_headers,
    half_sent,
    silent,
    churn,
    body_without_token,
    slow_body,
    unread_answers,
    page_after_page,
    odd_requests,
    wrong_tokens,
    sockets,
)


def attempt(options: CampaignOptions, tally: Tally) -> None:
    """Run every attack while the owner uses the page, then search for the token."""
    chance = options.random()
    effort = Effort(
        seconds=15.0, connections=1100, chance=chance, every=1, answer_within_s=ANSWER_WITHIN_S
    )
    if options.short:
        effort = Effort(
            seconds=0.3,
            connections=300,
            chance=chance,
            every=4,
            answer_within_s=_SHORT_ANSWER_WITHIN_S,
        )
    with tempfile.TemporaryDirectory() as folder:
        station = AttackedStation(Path(folder))
        try:
            station.wait()
            _attack(station, effort, tally)
            _check_answers_only_to_the_token(station, tally)
            for where in exposed(station):
                tally.failed('token', f'the token is in {where}')
            tally.held('token')
        finally:
            station.close()
        log = station.log.read_text(errors='replace')
        tally.figures['log_lines'] = len(log.splitlines())
        tally.check('log', 'a traceback', holds='Traceback' not in log)
        tally.check('log', 'more than 2000 lines', holds=len(log.splitlines()) < 2000)
        tally.check('log', 'the token', holds=station.token not in log)


def _attack(station: AttackedStation, effort: Effort, tally: Tally) -> None:
    station.ask(f'GET / HTTP/1.1\r\n{station.owner}Connection: close\r\n\r\n')  # once, to be warm
    rss_before = station.facts.memory_info().rss
    handles = 0
    tally.figures |= {'longest_answer_s': 0.0, 'late_answers': 0}
    for attack in ATTACKS:
        name = attack.__name__
        with Owner(station, effort.answer_within_s) as owner:
            for failure in attack(station, effort):
                tally.check(name, failure, holds=not failure)
            handles = max(handles, station.facts.num_fds())
        tally.attempts['owner_answered'] += owner.answers
        for failure in owner.failures:
            tally.failures.append(f'{name}: the owner got {failure}')
        longest_s = max(tally.figures['longest_answer_s'], round(owner.longest_s, 3))
        tally.figures['longest_answer_s'] = longest_s
        tally.figures['late_answers'] += owner.late
        tally.check(name, 'the station ended', holds=station.process.poll() is None)
    growth = station.facts.memory_info().rss - rss_before
    tally.figures['memory_growth_mb'] = round(growth / 1e6, 1)
    tally.figures['most_handles'] = handles
    tally.check('memory', f'grew by {growth} bytes', holds=growth < _MEMORY_GROWTH_BYTES)
    tally.check('handles', f'{handles} are open', holds=handles < _MOST_HANDLES)


def _check_answers_only_to_the_token(station: AttackedStation, tally: Tally) -> None:
    for path in ('/', '/load', '/refused', '/video', '/station/station.css', '/jobs/a/zip'):
        answer = station.ask(f'GET {path} HTTP/1.1\r\n{station.host}\r\n', timeout_s=_PATIENCE_S)
        tally.check('no_token', f'{path}: {answer[:30]!r}', holds=b' 401 ' in answer[:20])


def exposed(station: AttackedStation) -> Iterator[str]:
    """Yield every place where others than the owner could read the token."""
    token = station.token.encode()
    for process in psutil.process_iter():
        for name in ('cmdline', 'environ'):
            with suppress(OSError):
                if token in Path(f'/proc/{process.pid}/{name}').read_bytes():
                    yield f'/proc/{process.pid}/{name}'
    for path in station.folder.rglob('*'):
        if path.is_file() and path.name != 'token' and token in path.read_bytes():
            yield str(path)
    yield from _exposed_to_ros(station)


def _exposed_to_ros(station: AttackedStation) -> Iterator[str]:
    """Read every parameter, and for a second every topic that all nodes have."""
    script = Path(__file__).with_name('read_graph.py')
    heard = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, 'ROS_DOMAIN_ID': station.domain},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if 'token_file' not in heard:
        yield f'a graph that could not be read: {heard[:200]}'
    if station.token in heard:
        yield 'the ROS graph'


if __name__ == '__main__':
    sys.exit(run_campaign('station_attacks', attempt))
