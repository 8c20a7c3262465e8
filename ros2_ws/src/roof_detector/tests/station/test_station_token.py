# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The station's token comes from where nobody else can read it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from roof_detector.station.bind_address import BindAddress
from roof_detector.station.errors import StationError
from roof_detector.station.station_parameters import STATION_TABLE
from roof_detector.station.station_token import TOKEN_VARIABLE, read_token, station_token

TOKEN = 'a-secret-of-the-tests'


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / 'token'
    path.touch(mode=0o600)
    path.write_text(TOKEN + '\n')
    return path


def test_without_a_file_and_a_variable_there_is_no_token(monkeypatch):
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    assert station_token('') == ''


def test_a_file_that_only_its_owner_can_read_holds_the_token(token_file):
    assert station_token(str(token_file)) == TOKEN


@pytest.mark.parametrize('mode', [0o644, 0o640, 0o604, 0o620, 0o602])
def test_a_file_that_others_can_read_or_write_is_refused(token_file, mode):
    token_file.chmod(mode)
    with pytest.raises(StationError, match=f'mode {mode:04o}.*chmod 600') as refusal:
        read_token(token_file)
    assert TOKEN not in str(refusal.value)


@pytest.mark.parametrize(
    'content', [b'', b'\n', b'two\nlines', b'\xff\xfe' * 10, b'a' * 5000], ids=repr
)
def test_a_file_that_does_not_hold_one_line_is_refused_without_showing_it(token_file, content):
    token_file.write_bytes(content)
    with pytest.raises(StationError, match='one line') as refusal:
        read_token(token_file)
    assert len(str(refusal.value)) < 500


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / 'pipe', 0o600)
    with pytest.raises(StationError, match='not a regular file'):
        read_token(tmp_path / 'pipe')
    with pytest.raises(StationError, match='token_urlsafe'):
        read_token(tmp_path / 'missing')


def test_the_variable_is_gone_from_the_process_and_its_children():
    script = (
        'import subprocess, sys\n'
        'from roof_detector.station.station_token import station_token\n'
        'print(station_token(""))\n'
        'print("own", open("/proc/self/environ", "rb").read().count(b"secret"))\n'
        'seen = "import os; print(chr(99), str(os.environ).count(\'secret\'))"\n'
        'subprocess.run([sys.executable, "-c", seen])\n'
    )
    said = subprocess.run(
        [sys.executable, '-c', script],
        env={**os.environ, TOKEN_VARIABLE: TOKEN, 'PYTHONUNBUFFERED': '1'},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.split() == [TOKEN, 'own', '0', 'c', '0']


@pytest.mark.parametrize('token', ['short', 'aaaaaaaaaaaaaaaa', '121212121212'])
def test_a_token_that_can_be_guessed_is_refused(token):
    with pytest.raises(StationError, match='at least 12') as refusal:
        BindAddress('0.0.0.0', 8080, token)
    assert token not in str(refusal.value)


def test_neither_a_parameter_nor_what_is_printed_of_the_door_holds_the_token():
    assert 'token' not in {parameter.name for parameter in STATION_TABLE}
    assert TOKEN not in repr(BindAddress('0.0.0.0', 8080, TOKEN))
