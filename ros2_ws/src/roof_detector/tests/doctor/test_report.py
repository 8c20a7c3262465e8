# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json

import pytest

from roof_detector.doctor.finding import Finding, Verdict, fail, ok, warn
from roof_detector.doctor.report import as_json, as_text, summary


def test_no_findings_are_ready():
    assert json.loads(as_json([])) == {'ready': True, 'findings': []}
    assert summary([]) == 'Ready for take-off.'


def test_a_failure_without_a_remedy_cannot_be_made():
    with pytest.raises(ValueError, match='has no remedy'):
        Finding(subject='disk', verdict=Verdict.FAIL, message='Full.')


def test_each_finding_is_a_line_and_its_remedy_another():
    assert as_text(ok('disk', 'Fine.')).split() == ['OK', 'disk', 'Fine.']
    line, fix = as_text(fail('disk', 'Full.', 'rm x')).splitlines()
    assert line.startswith('FAIL  disk') and fix.strip() == 'fix: rm x'


def test_one_failure_is_not_ready_and_warnings_are_counted():
    findings = [ok('a', '.'), warn('b', '.', 'x'), fail('c', '.', 'y')]
    assert json.loads(as_json(findings))['ready'] is False
    assert summary(findings) == 'Not ready for take-off: 1 failed, 1 warned.'
    assert 'Nothing failed, 1 warned' in summary(findings[:2])
