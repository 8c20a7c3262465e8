# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Every measurement runs and writes all it promises; how long things take is not tested here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch

from roof_detector.bench.process_meter import sample_process
from roof_detector.bench.spread import slope_per_hour, spread_ms
from roof_detector.cli.main import make_parser

BASELINE = Path(__file__).parents[5] / 'benchmarks' / 'baseline_node.py'
SPREAD = {'p50', 'p95', 'p99'}
SIZE = '160x96'  # one for all, so that frames are painted once


@pytest.fixture
def bench(tmp_path):
    """Return a call of `roof_detector bench` in the smallest setting, which gives its result."""
    threads, terminate = torch.get_num_threads(), signal.getsignal(signal.SIGTERM)

    def run(part, *words):
        output = tmp_path / f'{part}.json'
        command = ['bench', part, *words, '--threads', '1', '--output', str(output)]
        arguments = make_parser().parse_args(command)
        assert arguments.run(arguments) == 0
        result = json.loads(output.read_text())
        assert result['part'] == part
        assert result['machine']['cores'] >= 1
        assert torch.__version__.startswith(result['versions']['torch'])
        assert result['commit']
        return result

    yield run
    signal.signal(signal.SIGTERM, terminate)
    torch.set_num_threads(threads)


def test_nothing_has_no_spread_and_no_slope():
    assert spread_ms([]) == {}
    assert slope_per_hour([], []) == slope_per_hour([1.0], [2.0]) == 0.0


def test_a_slope_is_that_of_the_series_whatever_one_outlier_says():
    moments_s = [10.0 * i for i in range(21)]
    values = [100 + moment / 3600 * 7 for moment in moments_s]
    values[3] += 500
    assert slope_per_hour(moments_s, values) == pytest.approx(7)


def test_a_process_is_metered_as_linux_counts_it():
    before = sample_process(os.getpid())
    with Path(os.devnull).open():
        busy_until_s = time.process_time() + 0.1
        while time.process_time() < busy_until_s:
            pass
        after = sample_process(os.getpid())
    assert after.handles == before.handles + 1
    assert 0.05 < after.cpu_s - before.cpu_s < 5
    assert after.threads >= 1
    assert after.memory_mb > 10


def test_a_process_that_has_ended_is_a_sentence():
    process = subprocess.Popen(['true'])
    process.wait()
    with pytest.raises(RuntimeError, match='ended while it was measured'):
        sample_process(process.pid)


def test_forward_times_every_model_file(bench):
    result = bench('forward', 'roof_anomalies', 'roofs', '--frames', '1', '--sizes', SIZE)
    assert [row['model'] for row in result['rows']] == ['roof_anomalies.pt', 'roofs.pt']
    assert all(set(row['forward_ms']) == SPREAD for row in result['rows'])


def test_detect_times_each_stage_and_the_prediction_of_ultralytics(bench):
    (row,) = bench('detect', '--frames', '2', '--sizes', SIZE)['rows']
    assert set(row['stages_ms']) == {'letterbox', 'forward', 'suppression'}
    assert set(row['detect_ms']) == set(row['predict_ms']) == SPREAD
    assert row['throughput_to_predict'] > 0
    assert row['found'] == row['found_by_predict']


def test_graph_measures_all_combinations_with_all_that_listens(bench):
    sizes = ('--sizes', SIZE, '--seconds', '1', '--rounds', '1')
    listeners = ('--annotated', 'on', '--recorder', 'on')
    result = bench('graph', *sizes, '--transports', 'compressed', *listeners)
    (row,) = result['rows']
    assert (row['size'], row['transport'], row['pace']) == (
        SIZE,
        'compressed',
        'one after another',
    )
    assert row['results'] >= 2
    assert row['annotated_images'] > 0
    assert set(row['age_ms']) == set(row['bare_forward_ms']) == SPREAD
    assert {'decode', 'letterbox', 'forward', 'suppression'} <= set(row['stages_ms_p50'])
    assert row['cpu_ms_per_result'] > 0
    assert row['memory_mb'] > 100


def test_baseline_measures_both_nodes_in_the_same_run(bench):
    result = bench(
        *('baseline', '--sizes', SIZE, '--transports', 'raw', '--seconds', '1'),
        *(
            '--rounds',
            '1',
            '--pace',
            'plenty',
            '--baseline',
            str(BASELINE),
            '--baseline-threads',
            '0',
        ),
    )
    rows = {row['contender']: row for row in result['rows']}
    assert set(rows) == {'ours_raw', 'baseline_raw'}
    for row in rows.values():
        assert row['pace'].endswith(' Hz')
        assert row['throughput_to_bare'] > 0


def test_soak_changes_parameters_and_watches_what_may_grow(bench, monkeypatch):
    monkeypatch.setattr('roof_detector.bench.soak.CHANGE_PERIOD_S', 1.0)
    monkeypatch.setattr('roof_detector.bench.soak.CHURN_PERIOD_S', 1.0)
    result = bench(
        *('soak', '--minutes', '0.1', '--sample-period', '1', '--rate', '10', '--size', SIZE)
    )
    assert result['parameter_changes'] >= 3
    assert result['parameter_changes_refused'] == 0
    assert result['subscriber_changes'] >= 3
    assert len(result['samples']) >= 4
    assert {'memory_mb', 'threads', 'handles', 'age_ms'} <= set(result['samples'][0])
    assert {'memory_mb_per_hour', 'age_p50_ms_per_hour'} <= set(result)
    assert sum(sample['annotated_images'] for sample in result['samples']) > 0
