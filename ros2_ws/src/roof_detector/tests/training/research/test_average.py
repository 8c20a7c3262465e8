# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from functools import partial

import pytest
import torch

from roof_detector.inference.model_hash import hash_model
from roof_detector.inference.quiet_ultralytics import import_quietly
from roof_detector.inference.safe_load import load_checkpoint
from training.research.average import main
from training.trainer.checkpoint import RECORD, make_checkpoint
from training.trainer.run_state import write_checkpoint

tasks = import_quietly('ultralytics.nn.tasks')
pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture(scope='module')
def write_model(tiny_models):
    return partial(save_model, yaml=tiny_models['detect'])


def save_model(path, seed, *, yaml, names=('equip', 'drain')):
    torch.manual_seed(seed)
    model = tasks.DetectionModel(yaml, nc=len(names), verbose=False)
    model.names = dict(enumerate(names))
    checkpoint = make_checkpoint(
        model,
        arguments={'imgsz': 160, 'task': 'detect'},
        metrics={'fitness': 0.5},
        record={'seed': seed, 'best_epoch': 3, 'metrics': {'metrics/mAP50(B)': 0.5}},
    )
    write_checkpoint(checkpoint, path)
    return path


def test_the_mean_lies_between_and_names_what_it_is_of(write_model, tmp_path):
    paths = [write_model(tmp_path / f'{seed}.pt', seed) for seed in (1, 2, 3)]
    assert main([*map(str, paths), '--output', str(tmp_path / 'mean.pt')]) == 0
    mean = load_checkpoint(tmp_path / 'mean.pt')
    states = [load_checkpoint(path)['model'].float().state_dict() for path in paths]
    for name, tensor in mean['model'].float().state_dict().items():
        if tensor.is_floating_point():
            expected = torch.stack([state[name] for state in states]).mean(0)
            torch.testing.assert_close(tensor, expected.half().float(), rtol=1e-3, atol=1e-6)
    assert mean[RECORD] == {
        'seed': 1,
        'mean_of': [{'name': path.name, 'hash': hash_model(path)} for path in paths],
    }
    assert mean['train_metrics'] == {}
    assert mean['train_args'] == {'imgsz': 160, 'task': 'detect'}


@pytest.mark.parametrize(
    ('other', 'said'),
    [
        ({'yaml': 'yolo11n.yaml'}, 'is of another architecture than'),
        ({'names': ('equip', 'rust')}, 'finds equip, rust, but'),
    ],
)
def test_models_that_are_not_alike_are_refused(write_model, tmp_path, capsys, other, said):
    paths = [write_model(tmp_path / 'a.pt', 1), write_model(tmp_path / 'b.pt', 2, **other)]
    assert main([*map(str, paths), '--output', str(tmp_path / 'mean.pt')]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / 'mean.pt').exists()


def test_one_checkpoint_has_no_mean(write_model, tmp_path, capsys):
    path = write_model(tmp_path / 'a.pt', 1)
    assert main([str(path), '--output', str(tmp_path / 'mean.pt')]) == 1
    assert '2 checkpoints or more, given 1' in capsys.readouterr().err


def test_a_file_that_is_none_is_refused(write_model, tmp_path, capsys):
    (tmp_path / 'b.pt').write_bytes(b'nothing')
    path = write_model(tmp_path / 'a.pt', 1)
    assert main([str(path), str(tmp_path / 'b.pt'), '--output', str(tmp_path / 'mean.pt')]) == 1
    assert 'b.pt' in capsys.readouterr().err
