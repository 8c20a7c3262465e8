# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The short form of every campaign holds: the promises of docs/reference/promises.md."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[5]
NAMES: list[str] = [
    'damaged_bags',
    'dead_parts',
    'evidence',
    'kill_splits',
    'messages',
    'model_files',
    'station_attacks',
]

TESTS = Path(__file__).resolve().parents[1]
_PAGE_AND_TESTS = """
import json
from benchmarks.campaign.promises import chapters, page
promises = [promise for chapter in chapters() for promise in chapter['promises']]
print(json.dumps({'page': page(), 'tests': [test for one in promises for test in one['tests']]}))
"""


def test_every_campaign_has_its_short_form_run_here():
    listed = subprocess.run(
        [sys.executable, '-c', 'from benchmarks.campaign.__main__ import *; print(*campaigns())'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(listed.stdout.split()) == set(NAMES)


@pytest.mark.parametrize('name', NAMES)
def test_the_short_form_of_a_campaign_holds(name, tmp_path):
    output = tmp_path / 'result.json'
    finished = subprocess.run(
        [sys.executable, '-m', f'benchmarks.campaign.{name}', '--short', '--output', str(output)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    result = json.loads(output.read_text())
    assert result['attempts'] > 0
    assert result['failures'] == 0


def test_the_page_of_promises_is_as_written_and_names_tests_that_are_there():
    listed = subprocess.run(
        [sys.executable, '-c', _PAGE_AND_TESTS], cwd=ROOT, capture_output=True, check=True
    )
    found = json.loads(listed.stdout)
    page = ROOT / 'docs' / 'reference' / 'promises.md'
    assert page.read_text() == found['page'], 'run python -m benchmarks.campaign.promises'
    for test in found['tests']:
        file, _, name = test.partition('::')
        path = ROOT / file[1:] if file.startswith('/') else TESTS / file
        assert f'def {name}(' in path.read_text(), test
