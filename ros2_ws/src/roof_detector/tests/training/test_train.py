# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest
import torch
import yaml

from roof_detector.inference.detector import Detector
from roof_detector.inference.safe_load import load_checkpoint
from roof_detector.vision.thresholds import Thresholds
from training.errors import TrainingError
from training.train import main, train
from training.train_config import TrainConfig
from training.trainer.roof_trainer import RoofTraining

EPOCHS = 3
pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture(scope='module')
def options(boxes_set, tiny_models):
    return {
        'model': tiny_models['detect'],
        'data': str(boxes_set),
        'image_size': 64,
        'epochs': EPOCHS,
        'batch': 4,
        'accumulate_to': 8,
        'learning_rate': 0.01,
        'mosaic_off_epochs': 1,
        'device': 'cpu',
        'threads': 1,
        'precision': 'float32',
        'plots': False,
    }


@pytest.fixture(scope='module')
def whole_run(options, tmp_path_factory):
    output = tmp_path_factory.mktemp('whole')
    train(TrainConfig(**options), output)
    return output


def write_config(folder, options):
    path = folder / 'config.yaml'
    path.write_text(yaml.safe_dump(options))
    return str(path)


def curves(output):
    with (output / 'results.csv').open() as file:
        rows = list(csv.DictReader(file))
    return [{name: value for name, value in row.items() if name != 'time'} for row in rows]


def network(output, name='last'):
    return load_checkpoint(output / 'weights' / f'{name}.pt')['model'].state_dict()


def test_another_loss_of_boxes_trains_and_leaves_the_other_losses_alone(
    options, whole_run, tmp_path
):
    train(TrainConfig(**{**options, 'epochs': 1, 'box_loss': 'nwd'}), tmp_path / 'run')
    (ours,), stock = curves(tmp_path / 'run'), curves(whole_run)[0]
    assert ours['train/box_loss'] != stock['train/box_loss']
    assert float(ours['val/box_loss']) > 0
    Detector.open(tmp_path / 'run/weights/best.pt', device='cpu').close()


def assert_same_run(output, other):
    assert curves(output) == curves(other)
    for name in ('last', 'best'):
        ours, theirs = network(output, name), network(other, name)
        assert all(torch.equal(tensor, theirs[key]) for key, tensor in ours.items())


def test_a_set_with_faults_is_refused_before_anything_is_written(options, boxes_set, tmp_path):
    broken = shutil.copytree(boxes_set.parent, tmp_path / 'broken')
    (broken / 'labels/train/train0.txt').write_text('0 0.5 0.5 nan 0.2\n')
    (broken / 'labels/train/train1.txt').write_text('9 0.5 0.5 0.2 0.2\n')
    (broken / 'images/val/val0.png').write_bytes(b'no image')
    (broken / 'data.yaml').write_text(boxes_set.read_text().replace(str(boxes_set.parent), '.'))
    config = TrainConfig(**{**options, 'data': str(broken / 'data.yaml')})
    with pytest.raises(TrainingError, match='training does not begin') as refusal:
        train(config, tmp_path / 'run')
    for place in ('train0.txt', 'train1.txt', 'val0.png'):
        assert place in str(refusal.value)
    assert not (tmp_path / 'run').exists()


def test_the_loss_falls(options, tmp_path):
    train(TrainConfig(**{**options, 'accumulate_to': 4, 'epochs': 11}), tmp_path)
    # In the first epoch, of two steps, nothing overlaps a label yet: its loss means nothing.
    losses = [float(row['train/cls_loss']) for row in curves(tmp_path)][1:]
    assert sum(losses[-3:]) < 0.7 * sum(losses[:3])


def test_the_checkpoint_tells_how_it_was_made_and_loads_strictly(whole_run, options):
    checkpoint = load_checkpoint(whole_run / 'weights' / 'best.pt')
    record = checkpoint['roof_detector']
    assert record['config'] == TrainConfig(**options).as_plain()
    assert record['class_names'] == ['equip', 'drain']
    assert record['epochs_done'] == EPOCHS and 1 <= record['best_epoch'] <= EPOCHS
    assert len(record['data']['hash']) == 64
    assert record['data']['splits']['train']['images'] == 8
    assert record['versions']['torch'] == torch.__version__.split('+')[0]
    assert record['git']['commit'] != 'unknown'
    assert {'equip', 'drain'} == set(record['metrics_per_class'])
    assert 'metrics/mAP50(B)' in record['metrics']
    assert checkpoint['license'] == 'AGPL-3.0-only'
    assert 'resume' not in checkpoint


def test_the_card_says_what_was_trained_on_what_and_leaves_the_limits_to_the_author(whole_run):
    card = (whole_run / 'weights' / 'best.md').read_text()
    for words in ('`equip`, `drain`', '| train | 8 | 0 | 16 |', 'AGPL-3.0-only', 'by the author'):
        assert words in card
    assert str(whole_run.parent) not in card


def test_the_detector_opens_what_was_trained(whole_run, boxes_set):
    image = cv2.imread(str(boxes_set.parent / 'images/val/val0.png'))
    with Detector.open(whole_run / 'weights' / 'best.pt', device='cpu') as detector:
        assert detector.names == ('equip', 'drain')
        detector.detect(image, Thresholds())


def test_the_same_seed_gives_the_same_run(whole_run, options, tmp_path):
    train(TrainConfig(**options), tmp_path / 'again')
    assert_same_run(tmp_path / 'again', whole_run)


def test_another_seed_gives_another_run(whole_run, options, tmp_path):
    train(TrainConfig(**{**options, 'seed': 1, 'epochs': 1}), tmp_path / 'other')
    assert curves(tmp_path / 'other')[0] != curves(whole_run)[0]


KILLED = """
import os, signal, sys
from tests_offline import BLOCKED
exec(BLOCKED)
from training.trainer.roof_trainer import RoofTraining
write = RoofTraining._write_last

def write_and_die(self, checkpoint, *, epochs_done):
    write(self, checkpoint, epochs_done=epochs_done)
    if epochs_done == 2:
        print('reached', reached, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

RoofTraining._write_last = write_and_die
from training.train import main
main(sys.argv[1:])
"""


def test_a_run_killed_between_epochs_goes_on_as_if_it_had_not_been(whole_run, options, tmp_path):
    offline = Path(__file__).parents[1] / 'inference' / 'test_offline.py'
    (tmp_path / 'tests_offline.py').write_text(offline.read_text())
    arguments = [write_config(tmp_path, options), '--output', str(tmp_path / 'run')]
    path = os.pathsep.join([str(tmp_path), *sys.path])
    killed = subprocess.run(
        [sys.executable, '-c', KILLED, *arguments],
        env={**os.environ, 'PYTHONPATH': path, 'HOME': str(tmp_path / 'home')},
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert 'reached []' in killed.stdout
    assert not list((tmp_path / 'home').rglob('*ltralytics*'))
    assert main([*arguments, '--resume']) == 0
    assert_same_run(tmp_path / 'run', whole_run)


@pytest.mark.parametrize(
    ('number', 'exit_code'), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=['ctrl-c', 'term']
)
def test_a_signal_ends_the_run_after_the_batch_and_it_can_be_resumed(
    number, exit_code, whole_run, options, tmp_path, monkeypatch, capsys
):
    step, steps = RoofTraining.optimizer_step, []

    def step_then_signal(self):
        step(self)
        steps.append(self.epoch)
        if len(steps) == 3:  # in the second epoch of two batches
            os.kill(os.getpid(), number)

    arguments = [write_config(tmp_path, options), '--output', str(tmp_path / 'run')]
    with monkeypatch.context() as patch:
        patch.setattr(RoofTraining, 'optimizer_step', step_then_signal)
        assert main(arguments) == exit_code
    assert steps == [0, 0, 1]
    said = capsys.readouterr().err
    assert 'Stopped in epoch 2' in said and '--resume' in said
    if number == signal.SIGTERM:
        assert main([*arguments, '--resume']) == 0
        assert_same_run(tmp_path / 'run', whole_run)


def test_a_run_stopped_in_its_first_epoch_can_be_resumed(options, tmp_path, monkeypatch):
    config = write_config(tmp_path, {**options, 'epochs': 1})
    arguments = [config, '--output', str(tmp_path / 'run')]
    with monkeypatch.context() as patch:
        patch.setattr(
            RoofTraining, 'optimizer_step', lambda _: os.kill(os.getpid(), signal.SIGTERM)
        )
        assert main(arguments) == 143
    assert main([*arguments, '--resume']) == 0
    assert len(curves(tmp_path / 'run')) == 1


def test_what_cannot_be_resumed_is_refused_with_the_reason(whole_run, options, tmp_path, capsys):
    config = write_config(tmp_path, options)
    for arguments, reason in (
        (['--output', str(tmp_path / 'nothing'), '--resume'], 'no run to resume'),
        (['--output', str(whole_run)], 'holds a run already'),
        (['--output', str(whole_run), '--resume'], 'finished'),
    ):
        assert main([config, *arguments]) == 1
        assert reason in capsys.readouterr().err


def test_a_run_is_not_resumed_with_other_settings(options, tmp_path, monkeypatch, capsys):
    arguments = [write_config(tmp_path, options), '--output', str(tmp_path / 'run')]
    with monkeypatch.context() as patch:
        patch.setattr(
            RoofTraining, 'optimizer_step', lambda _: os.kill(os.getpid(), signal.SIGINT)
        )
        assert main(arguments) == 130
    write_config(tmp_path, {**options, 'learning_rate': 0.5, 'threads': 2})
    assert main([*arguments, '--resume']) == 1
    said = capsys.readouterr().err
    assert 'learning_rate was 0.01 and is 0.5' in said and 'threads' not in said


def test_a_run_stops_early_when_nothing_improves(whole_run, options, tmp_path, monkeypatch):
    monkeypatch.setattr(RoofTraining, 'validate', _validate_equally)
    train(TrainConfig(**{**options, 'epochs': 9, 'patience': 2}), tmp_path / 'run')
    assert len(curves(tmp_path / 'run')) == 3


def test_a_run_ends_after_its_minutes_with_its_rate_fitted_to_them(options, tmp_path, monkeypatch):
    # A clock that goes on by a tenth of a second whenever it is read, some times in an epoch.
    looks = count()
    clock = SimpleNamespace(time=lambda: 0.1 * next(looks))
    monkeypatch.setattr('ultralytics.engine.trainer.time', clock)
    output = train(TrainConfig(**{**options, 'epochs': 100_000, 'minutes': 0.1}), tmp_path / 'run')
    rates = [float(row['lr/pg0']) for row in curves(tmp_path / 'run')]
    record = load_checkpoint(output)['roof_detector']
    assert record['epochs_done'] == len(rates) < 60
    assert clock.time() > 6
    assert rates[-1] < max(rates)


def _validate_equally(self):
    self.best_fitness = 0.5
    return {'metrics/mAP50(B)': 0.5}, 0.5


def test_masks_are_trained_from_a_detector_and_from_outlines_alone(
    whole_run, options, outlines_set, tiny_models, tmp_path
):
    start = str(whole_run / 'weights' / 'best.pt')
    masks = {**options, 'model': tiny_models['segment'], 'weights': start, 'epochs': 2}
    with pytest.raises(TrainingError, match='boxes alone'):
        train(TrainConfig(**masks), tmp_path / 'run')
    best = train(TrainConfig(**{**masks, 'data': str(outlines_set)}), tmp_path / 'run')
    record = load_checkpoint(best)['roof_detector']
    assert record['task'] == 'segment'
    assert record['transfer']['classes'] == ('equip', 'drain')
    assert 0.5 < record['transfer']['share'] < 1
    assert 'mask AP50' in next(iter(record['metrics_per_class'].values()))
    losses = [float(row['train/seg_loss']) for row in curves(tmp_path / 'run')]
    assert losses[-1] < losses[0]


def test_an_unknown_architecture_is_refused_with_the_one_that_was_meant(options, tmp_path):
    config = TrainConfig(**{**options, 'model': 'yolo11n-ContextGuide.yaml'})
    with pytest.raises(TrainingError, match=r'Did you mean yolo11n-ContextGuided.yaml\?'):
        train(config, tmp_path / 'run')
