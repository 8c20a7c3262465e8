# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from pathlib import Path

import pytest

from roof_detector.doctor import disk
from roof_detector.doctor.disk import check_disk
from roof_detector.doctor.finding import Verdict


def test_a_folder_that_is_not_there_yet_is_fine_and_is_not_made(tmp_path):
    (finding,) = check_disk(tmp_path / 'bags' / 'today')
    assert finding.verdict is not Verdict.FAIL and 'GB free' in finding.message
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_fails(tmp_path):
    (tmp_path / 'bags').write_text('')
    (finding,) = check_disk(tmp_path / 'bags')
    assert finding.verdict is Verdict.FAIL and 'is a file' in finding.message


def test_a_folder_that_cannot_be_written_to_fails():
    # Of the kernel: not even root writes there.
    (finding,) = check_disk(Path('/proc/bags'))
    assert finding.verdict is Verdict.FAIL and 'cannot be written to' in finding.message


@pytest.mark.parametrize(
    ('free_gb', 'verdict'), [(0.9, Verdict.FAIL), (2.0, Verdict.WARN), (50.0, Verdict.OK)]
)
def test_the_verdict_follows_the_free_space(tmp_path, monkeypatch, free_gb, verdict):
    monkeypatch.setattr(disk, 'free_bytes', lambda _: int(free_gb * 1e9))
    assert check_disk(tmp_path)[0].verdict is verdict
