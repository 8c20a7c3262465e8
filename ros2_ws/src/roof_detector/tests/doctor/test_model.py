# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from roof_detector.doctor.finding import Verdict
from roof_detector.doctor.model import check_model


def test_a_missing_model_fails_and_names_the_shipped_ones():
    (finding,) = check_model('no_such_model.pt')
    assert finding.verdict is Verdict.FAIL
    assert "'no_such_model.pt'" in finding.message and 'shipped: ' in finding.message


def test_a_file_that_is_no_model_fails_with_the_loader_s_sentence(tmp_path):
    path = tmp_path / 'model.pt'
    path.write_bytes(b'not a model')
    (finding,) = check_model(str(path))
    assert finding.verdict is Verdict.FAIL and str(path) in finding.message


def test_a_shipped_model_runs_and_says_what_it_finds():
    (finding,) = check_model('roof_anomalies')
    assert finding.verdict is not Verdict.FAIL  # it may be slow where tests run
    assert 'ms a frame; finds' in finding.message
