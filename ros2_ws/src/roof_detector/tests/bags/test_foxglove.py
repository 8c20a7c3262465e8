# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Bags as Foxglove's own libraries read them, under node."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
import yaml

from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.recovery import recover
from roof_detector.bags.writer import BagWriter

TOOLS = Path(__file__).parent / 'foxglove'
CACHE = Path(__file__).parents[5] / '.cache' / 'foxglove'
IMAGE = 'sensor_msgs/msg/CompressedImage'


# What npm calls a registry that cannot be reached, or not without a password.
UNREACHABLE = re.compile(
    r'npm error code (E(AI_AGAIN|NOTFOUND|CONN\w+|TIMEDOUT|NETUNREACH|HOSTUNREACH|PIPE|PROTO)'
    r'|EIDLETIMEOUT|E(401|403|407|429|5\d\d)|ERR_\w+|FETCH_ERROR|\w+_CERT\w*)\b'
)


def install_tools(folder, *, patience_s=120.0, **settings):
    """Install Foxglove's libraries as locked; return why not where that is npm's or the network's.

    Fails where npm reached its registry and what it got is not what the lock file wants.
    """
    if shutil.which('npm') is None:
        return 'node 18 or newer with npm is not installed: sudo apt install nodejs npm'
    for name in ('package.json', 'package-lock.json'):
        shutil.copy(TOOLS / name, folder)
    command = ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund']
    command += ['--fetch-retries=1', '--fetch-retry-mintimeout=500']
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=patience_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"npm's registry gave no answer within {patience_s:g} s"
    if refused := UNREACHABLE.search(done.stderr):
        return f"npm's registry cannot be reached ({refused[1]})"
    assert done.returncode == 0, done.stderr
    return ''


@pytest.fixture(scope='session')
def foxglove():
    """Return a function that reads an MCAP file; its libraries are installed once, as locked."""
    CACHE.mkdir(parents=True, exist_ok=True)
    lock = (TOOLS / 'package-lock.json').read_bytes()
    with (CACHE / 'lock').open('w') as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        installed = CACHE / 'installed-lock.json'
        if not installed.is_file() or installed.read_bytes() != lock:
            if reason := install_tools(CACHE):
                pytest.skip(reason)
            installed.write_bytes(lock)
        shutil.copy(TOOLS / 'read_bag.mjs', CACHE)

    def read(file):
        command = ['node', 'read_bag.mjs', str(file)]
        done = subprocess.run(
            command, cwd=CACHE, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return read


@pytest.fixture
def silent_registry():
    """Return the address of a server that takes a connection and never answers."""
    with socket.create_server(('127.0.0.1', 0)) as server:
        yield f'http://127.0.0.1:{server.getsockname()[1]}/'


@pytest.mark.skipif(shutil.which('npm') is None, reason='npm is not installed')
def test_a_registry_out_of_reach_is_said_to_be_and_nothing_hangs(tmp_path, silent_registry):
    own_cache = {'npm_config_cache': str(tmp_path / 'cache')}
    reason = install_tools(tmp_path, npm_config_registry='http://registry.invalid/', **own_cache)
    assert "npm's registry cannot be reached (E" in reason
    own_cache['npm_config_registry'] = silent_registry
    reason = install_tools(tmp_path, patience_s=2.0, **own_cache)
    assert reason == "npm's registry gave no answer within 2 s"


def test_an_empty_bag_opens_in_foxglove(tmp_path, foxglove):
    BagWriter(tmp_path / 'bag').close()
    found = foxglove(tmp_path / 'bag' / 'bag_0.mcap')
    assert (found['profile'], found['messages'], found['topics']) == ('ros2', [], [])


@pytest.mark.parametrize('compression', ['none', 'lz4', 'zstd'])
def test_foxglove_decodes_every_message_by_the_schemas_in_the_bag(
    tmp_path, flights, foxglove, compression
):
    path = tmp_path / 'bag'
    with BagWriter(path, compression=compression, manifest={'model': '7'}) as writer:
        flights.fill(writer, range(20))
        writer.add_topic('/camera/image/compressed', IMAGE)
        jpeg = message_bytes(IMAGE, {'format': 'jpeg', 'data': bytes(range(256)) * 8})
        writer.write('/camera/image/compressed', jpeg, log_time_ns=flights.START_NS + 1)
        writer.add_record('roof_detector.mark', {'note': 'crack'})
    found = foxglove(path / 'bag_0.mcap')
    assert found['message_count'] == '22'
    assert found['compressions'] == ['' if compression == 'none' else compression]
    by_topic = {}
    for message in found['messages']:
        by_topic.setdefault(message['topic'], []).append(message)
    detections = by_topic['/detector/detections']
    assert [m['content']['header']['stamp']['sec'] for m in detections] == list(range(20))
    assert detections[2]['content']['detections'][1]['results'][0]['hypothesis'] == {
        'class_id': 'crack',
        'score': 0.5,
    }
    assert int(detections[3]['log_time_ns']) - int(detections[3]['publish_time_ns']) == 1_000
    image = by_topic['/camera/image/compressed'][0]['content']
    assert (image['format'], image['data']) == ('jpeg', list(range(256)) * 8)
    names = [record['name'] for record in found['records']]
    assert names == ['roof_detector', 'roof_detector.mark', 'rosbag2']
    assert {topic['schema_encoding'] for topic in found['topics']} == {'ros2msg'}


def test_each_file_of_a_split_bag_and_a_recovered_one_opens_in_foxglove(
    tmp_path, flights, foxglove
):
    split = flights.write(tmp_path / 'split', range(30), max_file_s=1.0, manifest={'model': '7'})
    files = sorted(split.glob('*.mcap'))
    assert len(files) == 3
    for file in files:
        found = foxglove(file)
        assert found['messages'][0]['topic'] == '/detector/labels'
        latched = next(t for t in found['topics'] if t['name'] == '/detector/labels')
        assert yaml.safe_load(latched['qos'])[0]['durability'] == 'transient_local'
        assert found['records'][0]['values'] == {'model': '7'}
    cut_off = shutil.copytree(flights.cut_off(tmp_path / 'cut'), tmp_path / 'recovered')
    recovery = recover(cut_off)
    found = foxglove(cut_off / 'cut_0.mcap')
    assert int(found['message_count']) == len(found['messages']) == recovery.message_count == 20
