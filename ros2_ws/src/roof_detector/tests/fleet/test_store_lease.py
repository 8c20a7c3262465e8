# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Runs that want to write to one object store, on an S3 server on loopback."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from roof_detector.fleet.errors import FleetError
from roof_detector.fleet.store_files import StoreFiles
from roof_detector.fleet.store_lease import StoreLease

HOLDER = """
import sys, time
from roof_detector.fleet.errors import FleetError
from roof_detector.fleet.store_files import StoreFiles
from roof_detector.fleet.store_lease import StoreLease
lease = StoreLease(StoreFiles(sys.argv[1]), beat_s=0.1, expiry_s=float(sys.argv[2]))
print('holds', flush=True)
while True:
    time.sleep(0.05)
    try:
        lease.check()
    except FleetError as error:
        sys.exit(str(error))
"""


@pytest.fixture
def address(bucket, request):
    return f'{bucket.address}/{request.node.name[:40]}'


@pytest.fixture
def lease(address):
    """Return a call that takes the lease of the store, given back in the end."""
    held = []

    def take(files=None, *, beat_s=0.1, expiry_s=30.0):
        one = StoreLease(files or StoreFiles(address), beat_s=beat_s, expiry_s=expiry_s)
        one._expiry_s = 60.0  # of its own beats, however late a busy computer is with them
        held.append(one)
        return one

    yield take
    for one in held:
        one.release()


def test_a_run_that_lives_keeps_the_store_and_gives_it_back_at_once(lease, address):
    first = lease()
    with pytest.raises(FleetError, match=r'is being written by another run .*on .* \(process \d+'):
        lease()
    first.check()
    first.release()
    lease(expiry_s=1e9).check()
    assert len(StoreFiles(address).below('work/lease')) == 1


def test_an_object_is_created_once(bucket):
    assert bucket.create('once', b'first')
    assert not bucket.create('once', b'second')
    assert bucket.read('once') == b'first'


def test_of_two_runs_that_find_a_free_store_the_slower_one_is_refused(lease, address):
    class Slower(StoreFiles):
        def create(self, name, data):
            lease()
            return super().create(name, data)

    with pytest.raises(FleetError, match='is being written by another run'):
        lease(Slower(address))


def test_a_run_that_stands_still_loses_the_store_and_knows_it(lease, address):
    with subprocess.Popen(
        [sys.executable, '-c', HOLDER, address, '1e9'],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout.readline() == 'holds\n'
        holder.send_signal(signal.SIGSTOP)
        second = lease(expiry_s=1.0)
        holder.send_signal(signal.SIGCONT)
        _, errors = holder.communicate(timeout=300)
    assert holder.returncode == 1
    assert 'This run has lost' in errors
    assert 'process' in errors
    second.check()


def test_a_killed_run_keeps_the_store_no_longer_than_its_lease(lease, address):
    with subprocess.Popen(
        [sys.executable, '-c', HOLDER, address, '30'], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == 'holds\n'
        holder.kill()
    lease(expiry_s=0.5).check()


def test_a_lease_that_cannot_be_renewed_is_lost_before_another_run_takes_it(lease, address):
    class CutOff(StoreFiles):
        def below(self, name):
            if self.is_cut_off:
                msg = 'no network'
                raise FleetError(msg)
            return super().below(name)

    files = CutOff(address)
    files.is_cut_off = False
    held = lease(files, expiry_s=30.0)
    held.check()
    files.is_cut_off = True
    held._expiry_s = 0.5
    time.sleep(0.7)
    with pytest.raises(FleetError, match='could not be renewed in time'):
        held.check()


def test_a_lease_that_says_nothing_is_named(bucket, lease, address):
    StoreFiles(address).write('work/lease/000000001.json', b'{"number"')
    with pytest.raises(FleetError, match=r'000000001\.json is no lease of a run'):
        lease()
