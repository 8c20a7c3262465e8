# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Who may speak to the page."""

from __future__ import annotations

import asyncio
import re

import pytest

from roof_detector.station.access_middleware import COOKIE, AccessMiddleware
from roof_detector.station.bind_address import BindAddress
from roof_detector.station.errors import StationError

TOKEN = 'a-secret-of-the-tests'
OPEN = BindAddress('127.0.0.1', 8080, '')
LOCKED = BindAddress('0.0.0.0', 8080, TOKEN)


def ask(address, path='/', *, query='', method='GET', kind='http', **headers):
    """Return what a request is answered with, and the queries with which it reached the page."""
    reached, sent = [], []

    async def page(scope, receive, send):
        reached.append(scope['query_string'])
        await send({'type': 'http.response.start', 'status': 200, 'headers': []})

    async def send(message):
        sent.append(message)

    given = {'host': '127.0.0.1:8080'} | {k.replace('_', '-'): v for k, v in headers.items()}
    scope = {
        'type': kind,
        'path': path,
        'method': method,
        'query_string': query.encode(),
        'headers': [(name.encode(), value.encode()) for name, value in given.items()],
    }
    middleware = AccessMiddleware(page, address=address, upload_limit_bytes=1000)
    asyncio.run(middleware(scope, None, send))
    return sent[0], reached


def test_a_page_of_this_computer_is_served_with_a_policy_that_allows_nothing_foreign():
    answer, reached = ask(OPEN)
    assert reached and answer['status'] == 200
    policy = dict(answer['headers'])[b'content-security-policy'].decode()
    assert policy.startswith("default-src 'self'") and 'http' not in policy


@pytest.mark.parametrize(
    ('headers', 'status'),
    [
        ({'host': 'evil.example:8080'}, 421),
        ({'host': '127.0.0.1.evil.example'}, 421),
        ({'host': '192.168.1.7:8080'}, 421),
        ({'host': ''}, 421),
        ({'origin': 'http://evil.example'}, 403),
        ({'origin': 'http://127.0.0.1:9999'}, 403),
        ({'origin': 'null'}, 403),
        ({'sec_fetch_site': 'cross-site', 'sec_fetch_mode': 'no-cors'}, 403),
    ],
    ids=str,
)
def test_other_names_and_other_sites_are_refused(headers, status):
    answer, reached = ask(OPEN, **headers)
    assert not reached and answer['status'] == status


def test_a_link_on_another_site_may_open_the_page():
    assert ask(OPEN, sec_fetch_site='cross-site', sec_fetch_mode='navigate')[1]


def test_a_websocket_of_another_site_is_closed_before_it_is_open():
    answer, reached = ask(OPEN, '/_nicegui_ws/', kind='websocket', origin='http://evil.example')
    assert not reached and answer['type'] == 'websocket.close'
    assert ask(OPEN, '/_nicegui_ws/', kind='websocket', origin='http://127.0.0.1:8080')[1]


@pytest.mark.parametrize('path', ['/results/../../etc/passwd', '/results/..', '/a\\b', '/a\0b'])
def test_a_path_that_leads_out_of_its_folder_is_refused(path):
    answer, reached = ask(OPEN, path)
    assert not reached and answer['status'] == 400


def test_what_is_sent_must_say_its_length_and_stay_below_the_limit():
    assert ask(OPEN, method='POST')[0]['status'] == 411
    assert ask(OPEN, method='POST', content_length='-5')[0]['status'] == 411
    assert ask(OPEN, method='POST', content_length='99999999')[0]['status'] == 413
    assert ask(OPEN, method='POST', content_length='900')[1]


@pytest.mark.parametrize('kind', ['http', 'websocket'])
@pytest.mark.parametrize('path', ['/', '/video', '/_nicegui_ws/', '/station/station.css'])
def test_with_a_token_nothing_is_reached_without_it(path, kind):
    assert not ask(LOCKED, path, kind=kind)[1]
    assert not ask(LOCKED, path, kind=kind, query='token=wrong')[1]
    assert not ask(LOCKED, path, kind=kind, cookie=f'{COOKIE}=wrong')[1]
    assert not ask(LOCKED, path, kind=kind, cookie=f'{COOKIE}={TOKEN}')[1]


def test_the_token_in_the_address_becomes_a_cookie_that_opens_all_and_tells_no_token():
    answer, reached = ask(LOCKED, query=f'token={TOKEN}&tab=live')
    assert not reached and answer['status'] == 303
    headers = dict(answer['headers'])
    assert headers[b'location'] == b'/?tab=live'
    cookie = headers[b'set-cookie'].decode()
    assert TOKEN not in cookie and 'HttpOnly' in cookie and 'SameSite=Lax' in cookie
    pair = cookie.partition(';')[0]
    assert ask(LOCKED, '/video', cookie=pair)[1]
    assert ask(LOCKED, '/_nicegui_ws/', kind='websocket', cookie=pair)[1]
    other = BindAddress('0.0.0.0', 8080, 'another-secret-of-the-tests')
    assert not ask(other, '/video', cookie=pair)[1]


@pytest.mark.parametrize('name', ['token', '%74oken', 'to%6Ben', 'token=x&token'])
def test_no_way_of_writing_the_token_in_the_address_lets_it_through(name):
    pair = f'{COOKIE}={cookie_of(TOKEN)}'
    for query in (f'{name}={TOKEN}', f'tab=live&{name}={TOKEN}&more=1'):
        for cookie in ('', pair):
            answer, reached = ask(LOCKED, query=query, cookie=cookie)
            assert not reached and answer['status'] == 303
            assert TOKEN not in str(answer)
            assert dict(answer['headers'])[b'referrer-policy'] == b'no-referrer'
            # A websocket cannot be led elsewhere: what is behind it does not see the token.
            _, reached = ask(LOCKED, '/_nicegui_ws/', kind='websocket', query=query, cookie=cookie)
            assert reached and TOKEN not in str(reached)


def cookie_of(token):
    answer, _ = ask(LOCKED, query=f'token={token}')
    return re.search(rf'{COOKIE}=(\w+)', dict(answer['headers'])[b'set-cookie'].decode())[1]


def test_a_refused_token_is_in_no_answer():
    for query in ('token=a-guess-of-a-stranger', 'token=a-guess-of-a-stranger&' * 40):
        answer, reached = ask(LOCKED, query=query, accept='text/html')
        assert not reached and 'a-guess' not in str(answer)


def test_the_way_from_the_token_leads_to_no_other_host():
    answer, _ = ask(LOCKED, '//evil.example/', query=f'token={TOKEN}')
    assert dict(answer['headers'])[b'location'] == b'/evil.example/'


@pytest.mark.parametrize('host', ['0.0.0.0', '192.168.1.7', '::', 'drone.local'])
def test_a_door_that_others_can_reach_needs_a_lock(host):
    with pytest.raises(StationError, match='token is empty'):
        BindAddress(host, 8080, '')
    with pytest.raises(StationError, match='at least 12'):
        BindAddress(host, 8080, 'short')


@pytest.mark.parametrize('host', ['127.0.0.1', '::1', 'localhost'])
def test_a_door_of_this_computer_needs_none(host):
    assert BindAddress(host, 8080, '').is_loopback
