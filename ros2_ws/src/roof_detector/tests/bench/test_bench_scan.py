# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import argparse
import json

import cv2
import pytest
import torch

from benchmarks.bench.commands.scan import add_parser
from benchmarks.selective_scan import main as selective_scan


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def bench(*words):
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers(required=True))
    args = parser.parse_args(
        ['scan', '--channels', '4', '--states', '2', '--repeats', '1', '--threads', '1', *words]
    )
    return args.run(args)


@pytest.mark.parametrize('length', ['0', '1.5', 'many'])
def test_a_length_that_is_none_is_refused(length, capsys):
    with pytest.raises(SystemExit):
        bench('--lengths', length)
    assert 'is not a whole number of at least 1' in capsys.readouterr().err


def test_a_method_that_cannot_run_here_is_refused_with_those_that_can():
    with pytest.raises(
        ValueError, match=r'triton cannot run on cpu.*sequential, log_step, chunked'
    ):
        bench('--methods', 'triton')


def test_the_table_has_a_row_for_each_length_and_method(capsys):
    assert bench('--lengths', '3', '64') == 0
    rows = [line.split('|')[1:3] for line in capsys.readouterr().out.splitlines() if '|' in line]
    named = [(length.strip(), method.strip()) for length, method in rows[2:]]
    methods = ('sequential', 'log_step', 'chunked')
    assert named == [(length, method) for length in ('3', '64') for method in methods]


def test_the_files_hold_plausible_numbers_and_a_plot(tmp_path):
    assert bench('--lengths', '256', '1024', '--output', str(tmp_path / 'new')) == 0
    numbers = json.loads((tmp_path / 'new' / 'scan.json').read_text())
    assert numbers['machine']['torch'] == torch.__version__
    by_case = {(t['method'], t['sizes']['length']): t for t in numbers['timings']}
    assert len(by_case) == 6
    for timing in by_case.values():
        assert timing['forward_ms'] > 0
        assert timing['training_ms'] > 0
        # At least the output, 4 channels of 4 bytes a step.
        assert timing['inference_bytes'] >= 16 * timing['sizes']['length']
        assert timing['relative_error'] < 1e-5
    chunked, doubling = (by_case[method, 1024] for method in ('chunked', 'log_step'))
    assert chunked['training_bytes'] < doubling['training_bytes'] / 4
    assert cv2.imread(str(tmp_path / 'new' / 'scan.png')).shape == (960, 1200, 3)


def test_the_speed_test_prints_a_table_forward_and_one_with_backward(tmp_path, capsys):
    output = tmp_path / 'scan.json'
    sizes = ['--lengths', '8', '16', '--channels', '4', '--states', '2', '--repeats', '1']
    selective_scan([*sizes, '--output', str(output)])
    forward, both = capsys.readouterr().out.split('Forward and backward, ms')
    for table in (forward, both):
        assert '| length | sequential | log_step | chunked |' in table
        assert '\n| 8 | ' in table
        assert '\n| 16 | ' in table
    rows = json.loads(output.read_text())['rows']
    assert len(rows) == 6
    assert all(row['forward_ms'] > 0 for row in rows)
