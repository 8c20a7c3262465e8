# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from training.interruption import StopRequest
from training.research.ablation.__main__ import main
from training.research.ablation.plan import AblationPlan
from training.research.ablation.trial_process import run_apart
from training.research.ablation.trial_result import TrialResult, read_failure


@pytest.fixture(scope='module')
def architectures(tiny_models, tmp_path_factory):
    """One that is ours, one without our block, and one that cannot be built."""
    folder = tmp_path_factory.mktemp('architectures')
    ours = Path(tiny_models['detect']).read_text()
    for name, block in (('ours', 'C3k2_ContextGuided'), ('plain', 'C3k2'), ('bad', 'C3k9')):
        (folder / f'yolo11n-{name}.yaml').write_text(ours.replace('C3k2_ContextGuided', block))
    return {name: str(folder / f'yolo11n-{name}.yaml') for name in ('ours', 'plain', 'bad')}


@pytest.fixture(scope='module')
def write_config(boxes_set, architectures):
    def write(path: Path, *variants: str, seeds: tuple[int, ...] = (0,), **train) -> Path:
        options = {
            'data': str(boxes_set),
            'image_size': 64,
            'epochs': 1,
            'batch': 4,
            'device': 'cpu',
            'threads': 1,
            'workers': 0,
            'precision': 'float32',
            'plots': False,
            'tensorboard': False,
        }
        config = {
            'baseline': architectures['plain'],
            'variants': [architectures[name] for name in variants],
            'seeds': list(seeds),
            'train': options | train,
            'test': {'data': str(boxes_set), 'split': 'val'},
        }
        path.write_text(yaml.safe_dump(config))
        return path

    return write


@pytest.fixture(scope='module')
def ablated(write_config, tmp_path_factory):
    """Return the folder of an ablation with one variant that fails, and the exit code."""
    folder = tmp_path_factory.mktemp('ablated')
    config = write_config(folder / 'one.yaml', 'bad', 'ours')
    return folder, main([str(config), '--output', str(folder / 'out'), '--rounds', '2'])


def findings(folder):
    return json.loads((folder / 'out' / 'ablation.json').read_text())


def test_a_variant_that_fails_is_shown_and_stops_no_other(ablated):
    folder, code = ablated
    assert code == 1
    found = findings(folder)
    assert [one['label'] for one in found['results']] == ['yolo11n-plain', 'yolo11n-ours']
    assert list(found['failures']) == ['yolo11n-bad, seed 0']
    assert 'C3k9' in found['failures']['yolo11n-bad, seed 0']
    report = (folder / 'out' / 'ablation.md').read_text()
    assert '| yolo11n-bad | failed |' in report
    assert 'C3k9' in (folder / 'out' / 'runs' / 'yolo11n-bad-seed0' / 'log.txt').read_text()


def test_all_are_trained_and_measured_alike(ablated):
    folder, _ = ablated
    found = findings(folder)
    plain, ours = found['results']
    for name in ('data_hash', 'test_hash', 'test_images', 'epochs', 'seed', 'image_size'):
        assert plain[name] == ours[name]
    assert plain['test_images'] == 3
    assert set(plain['per_class']) == {'equip', 'drain'}
    assert plain['parameters'] > ours['parameters'] > 1000
    assert plain['operations'] > ours['operations'] > 1e6
    ratios = found['time_ratios']
    assert ratios.pop('yolo11n-plain') == 1.0
    assert ratios['yolo11n-ours'] > 0
    assert 'One seed tells nothing of chance' in found['verdicts'][0]


def test_what_is_done_is_kept_and_another_seed_is_added(ablated, write_config):
    folder, _ = ablated
    runs = folder / 'out' / 'runs'
    done = [runs / f'yolo11n-{name}-seed0' for name in ('plain', 'ours')]
    before = [(one / name).stat() for one in done for name in ('result.json', 'weights/best.pt')]
    config = write_config(folder / 'two.yaml', 'ours', seeds=(0, 1))
    assert main([str(config), '--output', str(folder / 'out'), '--rounds', '1']) == 0
    after = [(one / name).stat() for one in done for name in ('result.json', 'weights/best.pt')]
    assert [one.st_mtime_ns for one in after] == [one.st_mtime_ns for one in before]
    found = findings(folder)
    assert [one['seed'] for one in found['results']] == [0, 1, 0, 1]
    assert ' to ' in (folder / 'out' / 'ablation.md').read_text().splitlines()[4]
    # With other settings the folder would mix what was not trained alike.
    longer = write_config(folder / 'longer.yaml', 'ours', seeds=(0, 1), epochs=2)
    assert main([str(longer), '--output', str(folder / 'out')]) == 1
    assert findings(folder) == found


def test_a_killed_run_is_a_failure(write_config, tmp_path):
    config = write_config(tmp_path / 'config.yaml', 'ours', epochs=500)
    (trial, _) = AblationPlan.read(config, tmp_path).trials

    def kill() -> None:
        for child in multiprocessing.active_children():
            child.kill()

    reason = run_apart(trial, stop=StopRequest(), watch=kill)
    assert 'ended by SIGKILL, as when memory is full' in reason
    assert read_failure(trial.folder) == reason


def test_ctrl_c_ends_an_ablation_after_the_batch_and_is_no_failure(write_config, tmp_path):
    config = write_config(tmp_path / 'config.yaml', 'ours', epochs=500)
    words = ['-m', 'training.research.ablation', str(config), '--output', str(tmp_path)]
    # In a process of its own: the one of the tests must not meet a signal that would end it.
    process = subprocess.Popen(
        [sys.executable, *words],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(p for p in sys.path if p)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    (trial, _) = AblationPlan.read(config, tmp_path).trials
    deadline = time.monotonic() + 200
    while process.poll() is None and not (trial.folder / 'weights' / 'last.pt').exists():
        assert time.monotonic() < deadline, 'nothing was trained in 200 seconds'
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=200)
    assert process.returncode == 130, said
    assert 'the same command goes on from here' in said
    assert TrialResult.read(trial.folder) is None
    assert read_failure(trial.folder) is None


def test_a_rehearsal_tells_the_cost_and_what_will_fail(write_config, tmp_path, capsys):
    config = write_config(tmp_path / 'config.yaml', 'bad', seeds=(0, 1), epochs=100)
    assert main([str(config), '--output', str(tmp_path / 'out'), '--dry-run']) == 1
    _, plain, bad, total = capsys.readouterr().out.strip().splitlines()
    name, runs, epoch_s, run_h, together_h = plain.split()
    assert (name, runs) == ('yolo11n-plain', '2')
    assert float(run_h) == pytest.approx(float(epoch_s) * 100 / 3600, abs=0.02)
    assert float(together_h) == pytest.approx(2 * float(run_h), abs=0.011)
    assert 'fails: ' in bad
    assert total.startswith('4 runs, at most ')
    assert not (tmp_path / 'out').exists()
