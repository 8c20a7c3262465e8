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

from benchmarks.bench.__main__ import make_parser
from benchmarks.bench.machine import describe_run
from benchmarks.bench.process_meter import sample_process
from benchmarks.bench.result_file import write_result
from benchmarks.bench.spread import slope_per_hour, spread_ms

INSTRUCTIONS = {'avx2', 'avx512f', 'avx512_bf16', 'amx_bf16', 'asimddp', 'bf16'}
BASELINE = Path(__file__).parents[5] / 'benchmarks' / 'baseline_node.py'
pytestmark = pytest.mark.timeout(600)  # three models in three processes, on any machine

SPREAD = {'p50', 'p95', 'p99'}
SIZE = '160x96'  # one for all, so that frames are painted once


@pytest.fixture
def bench(tmp_path):
    """Return a call of a part in its smallest setting, which gives its result."""
    terminate = signal.getsignal(signal.SIGTERM)

    def run(part, *words):
        output = tmp_path / f'{part}.json'
        command = [part, *words, '--threads', '1', '--output', str(output)]
        arguments = make_parser().parse_args(command)
        assert arguments.run(arguments) == 0
        result = json.loads(output.read_text())
        assert result['part'] == part
        assert result['machine']['cores'] >= 1
        offered = Path('/proc/cpuinfo').read_text().split()
        assert INSTRUCTIONS & set(result['machine']['instructions']) == INSTRUCTIONS & set(offered)
        assert torch.__version__.startswith(result['versions']['torch'])
        assert result['commit']
        return result

    yield run
    signal.signal(signal.SIGTERM, terminate)


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
    assert [row['model'] for row in result['rows']] == ['roof_anomalies.zip', 'roofs.zip']
    assert all(set(row['forward_ms']) == SPREAD for row in result['rows'])


def test_detect_times_each_stage_and_the_prediction_of_ultralytics(bench):
    (row,) = bench('detect', '--frames', '2', '--sizes', SIZE)['rows']
    assert set(row['stages_ms']) == {'letterbox', 'forward', 'suppression'}
    assert set(row['detect_ms']) == set(row['predict_ms']) == SPREAD
    assert row['throughput_to_predict'] > 0
    assert row['found'] == row['found_by_predict']


def test_a_device_is_timed_by_part_and_by_batch_and_finds_what_the_cpu_finds(tmp_path):
    options = ('--device', 'cpu', '--precisions', 'f32', '--batches', '1', '2', '--frames', '2')
    output = tmp_path / 'device.json'
    command = ['device', *options, '--size', '320x192', '--output', str(output)]
    arguments = make_parser().parse_args(command)
    assert arguments.run(arguments) == 0
    (row,) = json.loads(output.read_text())['rows']
    assert (
        set(row['detect_ms']) == set(row['predict_ms']) == set(row['without_graphs_ms']) == SPREAD
    )
    assert set(row['parts_ms']) > {'preprocess', 'network', 'select', 'select_on_host'}
    assert [one['images'] for one in row['batches']] == [1, 2]
    assert row['beside_cpu']['shared'] > 0
    assert row['beside_cpu']['only_cpu'] == row['beside_cpu']['only_device'] == 0
    assert row['beside_cpu']['confidence'] < 1e-3


def test_plenty_sends_more_than_the_network_can_do_while_all_listen(bench):
    sizes = ('--sizes', SIZE, '--seconds', '1', '--rounds', '1')
    listeners = ('--annotated', 'on', '0.1', '--recorder', 'on')
    result = bench('plenty', *sizes, '--transports', 'compressed', *listeners)
    row, few_images = result['rows']
    assert few_images['annotated_rate_hz'] == 0.1
    assert few_images['annotated_images'] <= 1
    assert few_images['results'] >= 2
    assert (row['size'], row['transport']) == (SIZE, 'compressed')
    rate_hz = float(row['pace'].removesuffix(' Hz'))
    assert rate_hz > 0
    assert row['results'] >= 2
    assert row['annotated_images'] > 0
    assert set(row['age_ms']) == set(row['bare_forward_ms']) == SPREAD
    stages_ms = row['stages_ms_p50']
    assert {'decode', 'letterbox', 'forward', 'suppression'} <= set(stages_ms)
    assert 0 < stages_ms['decode'] < stages_ms['age']
    assert row['cpu_ms_per_result'] > 0
    assert row['memory_mb'] > 100


def test_everything_on_and_several_cameras_are_measured_beside_one_alone(bench):
    size = ('--sizes', SIZE, '--seconds', '1', '--rounds', '1', '--transports', 'raw')
    everything = ('--recorder', 'on', '--inspector', 'on', '--busy', '1', '--cameras', '1')
    (row,) = bench('graph', *size, *everything)['rows']
    assert (row['recorder'], row['inspector'], row['busy'], row['cameras']) == (True, True, 1, 1)
    assert row['telemetry']
    assert row['results'] >= 2 and len(row['each_round']) == 1
    (row,) = bench('graph', *size, '--cameras', '3')['rows']
    assert row['contender'] == 'ours_raw_3_cameras' and row['results'] >= 2


def test_baseline_measures_both_nodes_in_the_same_run(bench):
    result = bench(
        *('baseline', '--sizes', SIZE, '--transports', 'raw', '--seconds', '1'),
        *(
            '--rounds',
            '1',
            '--baseline',
            str(BASELINE),
            '--baseline-threads',
            '0',
        ),
    )
    rows = {row['contender']: row for row in result['rows']}
    assert set(rows) == {'ours_raw', 'baseline_raw'}
    assert result['baseline_model'] == 'roof_anomalies.pt'
    for row in rows.values():
        assert row['pace'] == 'one after another'
        assert row['throughput_to_bare'] > 0


def test_soak_changes_parameters_and_watches_what_may_grow(bench, monkeypatch):
    monkeypatch.setattr('benchmarks.bench.soak.CHANGE_PERIOD_S', 1.0)
    monkeypatch.setattr('benchmarks.bench.soak.CHURN_PERIOD_S', 1.0)
    result = bench(
        *('soak', '--minutes', '0.1', '--sample-period', '1', '--rate', '10', '--size', SIZE)
    )
    assert result['parameter_changes'] >= 3
    assert result['parameter_changes_refused'] == result['parameter_changes_unanswered'] == 0
    assert result['subscriber_changes'] >= 3
    assert len(result['samples']) >= 4
    assert {'memory_mb', 'threads', 'handles', 'age_ms'} <= set(result['samples'][0])
    for beside in ('bare_forward_ms', 'cpu_ms_per_result'):
        assert result[beside]['first_third'] > 0
        assert result[beside]['last_third'] > 0
    assert {'memory_mb_per_hour', 'age_p50_ms_per_hour'} <= set(result)
    assert sum(sample['annotated_images'] for sample in result['samples']) > 0


def graph_row(contender='ours_raw', **changes):
    """Return a row as `bench graph` writes it."""
    return {
        'contender': contender,
        'size': '1280x720',
        'transport': 'raw',
        'pace': 'one after another',
        'annotated': False,
        'recorder': False,
        'results_per_s': 30.0,
        'age_ms': {'p50': 33.0, 'p95': 36.0, 'p99': 40.0},
        'bare_forward_ms': {'p50': 30.0, 'p95': 31.0, 'p99': 32.0},
        'overhead_ms': 3.0,
        'throughput_to_bare': 0.9,
        **changes,
    }


def test_report_tells_which_goals_are_met_and_draws(tmp_path, capsys):
    slow = graph_row('baseline_raw', results_per_s=16.0, age_ms={'p50': 80, 'p95': 90, 'p99': 99})
    watched = graph_row(annotated=True, age_ms={'p50': 36.3, 'p95': 40, 'p99': 44})
    sometimes = graph_row('ours_raw_10_hz', annotated=True, annotated_rate_hz=10.0)
    beside = (
        graph_row(busy=1, results_per_s=20.0, cpu_ms_per_result=30.0),
        {**slow, 'busy': 1, 'results_per_s': 9.0, 'cpu_ms_per_result': 50.0},
    )
    everything = graph_row(recorder=True, inspector=True, telemetry=True, results_per_s=28.2)
    # Beside what sees no telemetry it would be 0.94.
    of_flight = graph_row(telemetry=True, results_per_s=29.1)
    sample = {'at_s': 10.0, 'memory_mb': 900, 'threads': 20, 'handles': 30, 'results': 1}
    sample['age_ms'] = {'p50': 40.0, 'p95': 50.0, 'p99': 60.0}
    sample['bare_forward_ms'] = {'p50': 30.0, 'p95': 31.0, 'p99': 32.0}
    for part, measured in {
        'graph': {'rows': [graph_row(), watched, sometimes, everything, of_flight]},
        'baseline': {'precision': 'f32', 'rows': [graph_row(), slow, *beside]},
        'soak': {'samples': [sample, {**sample, 'at_s': 20.0}]},
    }.items():
        write_result(tmp_path / f'{part}.json', part, describe_run(), measured)
    small = {'precision': 'int8', 'rows': [graph_row(results_per_s=49.0), slow]}
    write_result(tmp_path / 'small.json', 'baseline', describe_run(), small)
    one_thread = [
        graph_row(),
        graph_row(annotated=True, age_ms={'p50': 33.3, 'p95': 40, 'p99': 44}),
    ]
    threads = {'precision': 'f32', 'threads': 1, 'rows': one_thread}
    write_result(tmp_path / 'one.json', 'graph', describe_run(), threads)
    same_runtime = {
        'precision': 'f32',
        'baseline_model': 'roof_anomalies_openvino_model',
        'rows': [graph_row(), graph_row('baseline_raw', results_per_s=29.0)],
    }
    write_result(tmp_path / 'same.json', 'baseline', describe_run(), same_runtime)
    arguments = make_parser().parse_args(['report', str(tmp_path)])
    assert arguments.run(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any('| 3.0 ms, 10% of 30.0 ms | met |' in line for line in lines)
    # Not where it has an export.
    assert sum('2 times the results' in line for line in lines) == 2
    assert any('beside 1 busy process' in line and '| 2.22 | met |' in line for line in lines)
    assert any('CPU time per result' in line and '| 0.60 | met |' in line for line in lines)
    assert any('cost at most 10 %' in line and '| 0.97 | met |' in line for line in lines)
    assert any(
        '2 times the results' in line and '| 1.88 | **not met** |' in line for line in lines
    )
    assert any('3 times the' in line and '| 3.06 | met |' in line for line in lines)
    assert any('| 1.10 times the age without | **not met** |' in line for line in lines)
    assert any('images at 10 Hz' in line and '| 1.00 times the' in line for line in lines)
    assert any('threads 1 | 1.01 times the age without | met |' in line for line in lines)
    assert any('half the age' in line and '| 0.41 | met |' in line for line in lines)
    assert {path.name for path in tmp_path.glob('*.png')} == {
        'graph.png',
        'baseline.png',
        'small.png',
        'same.png',
        'one.png',
        'soak.png',
    }


def test_report_of_an_empty_folder_says_what_to_do(tmp_path):
    arguments = make_parser().parse_args(['report', str(tmp_path)])
    with pytest.raises(ValueError, match='measure first: make bench'):
        arguments.run(arguments)
