# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
import shutil
import threading

import pytest

from roof_detector.bags.disk_sync import DiskSync
from roof_detector.bags.errors import BagError
from roof_detector.bags.reader import BagReader
from roof_detector.bags.recovery import recover
from roof_detector.bags.writer import BagWriter


class SlowDisk:
    """A disk whose syncs take until it is let go, and may fail then."""

    def __init__(self, monkeypatch):
        self.let_go = threading.Event()
        self.failure = None
        self._sync = os.fdatasync
        monkeypatch.setattr(os, 'fdatasync', self._wait_and_sync)

    def _wait_and_sync(self, descriptor):
        assert self.let_go.wait(60)
        if self.failure:
            raise self.failure
        self._sync(descriptor)


@pytest.fixture
def written_behind(tmp_path, flights, monkeypatch):
    """Return a writer whose disk stands still, with 20 messages in its bag."""
    writer = BagWriter(tmp_path / 'bag', flush_period_s=0.0, sync_behind=True)
    disk = SlowDisk(monkeypatch)
    flights.fill(writer, range(20))
    yield writer, disk
    disk.let_go.set()


def test_without_anything_begun_there_is_nothing_to_wait_for():
    for behind in (False, True):
        sync = DiskSync(behind=behind)
        sync.wait()
        sync.close()


def test_a_disk_that_stands_still_holds_up_no_message_and_a_kill_costs_none(
    tmp_path, flights, written_behind
):
    writer, disk = written_behind
    left = shutil.copytree(tmp_path / 'bag', tmp_path / 'left')
    with BagReader(left) as bag:
        assert flights.numbers(bag) == list(range(20))
    assert recover(left).message_count == 21
    disk.let_go.set()
    writer.close()
    with BagReader(tmp_path / 'bag') as bag:
        assert (flights.numbers(bag), bag.damage) == (list(range(20)), ())


def test_what_was_not_synced_behind_is_synced_on_demand(tmp_path, flights, written_behind):
    writer, disk = written_behind
    disk.let_go.set()
    writer.flush()
    described = (tmp_path / 'bag' / 'metadata.yaml').read_text()
    assert 'message_count: 21' in described
    writer.close()


def test_a_sync_that_fails_behind_ends_the_bag_at_the_next_flush(
    tmp_path, flights, written_behind
):
    writer, disk = written_behind
    disk.failure = OSError(5, 'Input/output error')
    disk.let_go.set()
    with pytest.raises(BagError, match=r'any further \(Input/output error\)'):
        writer.flush()
    with BagReader(tmp_path / 'bag') as bag:
        assert flights.numbers(bag) == list(range(20))
