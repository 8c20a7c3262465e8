# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The user and password of a camera: where they are, and that nothing shows them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roof_detector.inputs.addresses import (
    password_of,
    split_credentials,
    with_credentials,
    without_password,
)
from roof_detector.inputs.errors import InputError

PLAIN = ('rtsp://10.0.0.7:554/roof', 'http://[::1]:80/a?b=c', '/dev/video0', '', 'a@b', 'C://x@y')
ADDRESS = 'rtsp://user:secret@10.0.0.7:554/roof'


@pytest.mark.parametrize('address', PLAIN[:4])
def test_an_address_without_a_password_stays_as_it_is(address):
    assert without_password(address) == address
    assert password_of(address) == '' and split_credentials(address) == (address, '')


@pytest.mark.parametrize(
    'address',
    [
        ADDRESS,
        'RTSP://user:secret@host/x@1',
        'rtsp://user:se/secret@host/x',
        'rtsp://user:p@secret@host/x',
        'rtsp://:secret@host',
        'http://host/user=admin&password=secret&channel=1',
        'http://host/x?user=admin&pwd=secret',
        'http://host/x;token=secret',
        'rtsp://user:%73secret@host',
        f'{{"source": "{ADDRESS}", "other": ["{ADDRESS}"]}}',
        f'Publishing {ADDRESS}, 3 frames',
    ],
)
def test_no_kind_of_password_is_shown(address):
    assert 'secret' not in without_password(address)
    assert 'host' not in address or 'host' in without_password(address)


@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_credentials_put_into_an_address_come_out_again_and_are_hidden(user, password):
    if ':' in user:
        return
    plain = 'rtsp://10.0.0.7:554/roof'
    address = with_credentials(plain, f'{user}:{password}')
    assert split_credentials(address) == (plain, f'{user}:{password}')
    assert without_password(address) == plain


@pytest.mark.parametrize('address', [ADDRESS, '/dev/video0', 'video.mp4'])
def test_credentials_for_what_takes_none_are_refused_without_being_shown(address):
    with pytest.raises(InputError, match='credentials_file') as refusal:
        with_credentials(address, 'user:secret')
    assert 'secret' not in str(refusal.value)


def test_a_password_is_covered_on_the_command_line():
    script = (
        'import sys\n'
        'from roof_detector.inputs.secret_file import hide_argument\n'
        'hide_argument("user:secret")\n'
        'print(open("/proc/self/cmdline").read().split(chr(0))[-3:-1])\n'
        'print(sys.argv)\n'
    )
    shown, kept = subprocess.run(
        [sys.executable, '-c', script, f'source:={ADDRESS}', ADDRESS],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert shown.count(ADDRESS) == 0 and '***********@10.0.0.7' in shown
    assert kept.count(ADDRESS) == 2
