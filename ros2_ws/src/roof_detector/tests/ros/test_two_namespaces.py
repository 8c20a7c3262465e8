# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Two computers on one network, as two network namespaces: who reaches a node that wants none.

The second one names the first (ROS_STATIC_PEERS), as a stranger would.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys

import pytest

from roof_detector.doctor.dds_profile import shipped_profile

# A node with a parameter, and a stranger who looks for it and reads it.
OWNER = """
import rclpy
rclpy.init()
node = rclpy.create_node('owner')
node.declare_parameter('a_value', 'read by a stranger')
print('ready', flush=True)
rclpy.spin(node)
"""
STRANGER = """
import sys, time, rclpy
from rcl_interfaces.srv import GetParameters
rclpy.init()
node = rclpy.create_node('stranger')
client = node.create_client(GetParameters, '/owner/get_parameters')
found = client.wait_for_service(timeout_sec=float(sys.argv[1]))
for _ in range(6 if found else 0):  # it may answer before it has heard of this client
    call = client.call_async(GetParameters.Request(names=['a_value']))
    rclpy.spin_until_future_complete(node, call, timeout_sec=10)
    if call.done():
        break
print(call.result().values[0].string_value if found else 'nobody')
node.destroy_node()
"""


def run(*words):
    subprocess.run(words, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope='module')
def network():
    """Return the names of two namespaces that a cable joins, and the first one's address."""
    if shutil.which('ip') is None:
        pytest.skip('There is no ip to make network namespaces with.')
    tag = secrets.token_hex(3)
    here, there = f'rd_{tag}_a', f'rd_{tag}_b'
    try:
        run('ip', 'netns', 'add', here)
    except subprocess.CalledProcessError as error:
        pytest.skip(f'Network namespaces cannot be made here: {error.stderr.decode().strip()}')
    try:
        run('ip', 'netns', 'add', there)
        run('ip', 'link', 'add', f'a{tag}', 'type', 'veth', 'peer', 'name', f'b{tag}')
        for end, name, address in (('a', here, '10.199.77.1'), ('b', there, '10.199.77.2')):
            run('ip', 'link', 'set', f'{end}{tag}', 'netns', name)
            run('ip', '-n', name, 'addr', 'add', f'{address}/24', 'dev', f'{end}{tag}')
            run('ip', '-n', name, 'link', 'set', 'lo', 'up')
            run('ip', '-n', name, 'link', 'set', f'{end}{tag}', 'up')
        yield here, there, '10.199.77.1'
    finally:
        for name in (here, there):
            subprocess.run(['ip', 'netns', 'del', name], check=False, capture_output=True)


def command(namespace, script, *words):
    """Return what runs a script in a namespace, with shared memory of its own as elsewhere."""
    inner = 'mount -t tmpfs tmpfs /dev/shm && exec "$@"'
    python = [sys.executable, '-c', script, *words]
    return ['ip', 'netns', 'exec', namespace, 'unshare', '-m', 'sh', '-c', inner, 'sh', *python]


def environment(**names):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(('ROS_AUTO', 'FASTRTPS'))}
    return {**kept, 'ROS_DOMAIN_ID': '0', **names}


@contextlib.contextmanager
def owner(namespace, profile):
    process = subprocess.Popen(
        command(namespace, OWNER),
        env=environment(
            FASTRTPS_DEFAULT_PROFILES_FILE=str(shipped_profile(profile)),
            ROS_AUTOMATIC_DISCOVERY_RANGE='LOCALHOST',
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout.readline() == 'ready\n'
        yield process
    finally:
        # Its shared memory goes with its namespace. A plain node may miss a SIGTERM: once in some
        # forty whole runs of the tests it spun on for a minute.
        process.kill()
        process.wait(60)
        process.stdout.close()


def what_a_stranger_reads(namespace, address, *, patience_s):
    ended = subprocess.run(
        command(namespace, STRANGER, str(patience_s)),
        env=environment(
            FASTRTPS_DEFAULT_PROFILES_FILE=str(shipped_profile()), ROS_STATIC_PEERS=address
        ),
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    return ended.stdout.strip()


def test_the_discovery_range_alone_keeps_no_peer_out_that_names_us(network):
    """If this fails, ROS has become a wall, and docs/how-to/security.md is out of date."""
    here, there, address = network
    with owner(here, 'fastdds.xml'):
        assert what_a_stranger_reads(there, address, patience_s=30) == 'read by a stranger'


def test_a_node_bound_to_loopback_is_reached_by_no_network_and_by_its_own_computer(network):
    here, there, address = network
    with owner(here, 'fastdds_loopback.xml') as process:
        assert what_a_stranger_reads(there, address, patience_s=6) == 'nobody'
        sockets = subprocess.run(
            ['ip', 'netns', 'exec', here, 'cat', '/proc/net/udp'],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[1:]
        assert process.poll() is None and sockets
        # rmw_fastrtps adds sockets that only send; those that DDS is reached by are of loopback.
        listening = [line.split()[1].split(':') for line in sockets]
        reached = {host for host, port in listening if 7000 <= int(port, 16) < 8000}
        assert reached == {'0100007F'}, listening  # 127.0.0.1
        own = subprocess.run(
            ['nsenter', '-t', str(process.pid), '-m', '-n', sys.executable, '-c', STRANGER, '30'],
            env=environment(
                FASTRTPS_DEFAULT_PROFILES_FILE=str(shipped_profile('fastdds_loopback.xml')),
                ROS_AUTOMATIC_DISCOVERY_RANGE='LOCALHOST',
            ),
            capture_output=True,
            text=True,
            timeout=180,
            check=True,
        )
        assert own.stdout.strip() == 'read by a stranger'
