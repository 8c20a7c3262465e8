# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Corrections and decisions are learned from, and the model is promoted or not."""

from __future__ import annotations

import json
import shutil
import sqlite3

import cv2
import numpy as np
import pytest
import yaml
from flown_inspection import decide, fly_and_inspect

from roof_detector.findings.roof_finding import FindingState
from roof_detector.history.recorded_inspection import read_inspection
from roof_detector.inference.detector import Detector
from training.dataset import check
from training.dataset.labelled_set import images_below
from training.learning.__main__ import main
from training.learning.errors import LearningError
from training.learning.promotion import PromotionLimits, promotion_checks
from training.learning.training_set import combine

pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture(scope='module')
def config(boxes_set, tiny_models, tmp_path_factory):
    """Return the configuration of a short run of a tiny model."""
    path = tmp_path_factory.mktemp('config') / 'config.yaml'
    options = {
        'model': tiny_models['detect'],
        'data': str(boxes_set),
        'image_size': 64,
        'epochs': 1,
        'batch': 4,
        'device': 'cpu',
        'threads': 1,
        'precision': 'float32',
        'plots': False,
    }
    path.write_text(yaml.safe_dump(options))
    return path


@pytest.fixture
def corrections(boxes_set, tmp_path):
    """Return a set of three images that the fixed set does not have, its classes swapped."""
    folder = tmp_path / 'corrections'
    for kind in ('images', 'labels'):
        (folder / kind / 'all').mkdir(parents=True)

    for k, path in enumerate(images_below(boxes_set.parent / 'images' / 'train')[:3]):
        image = 255 - cv2.imread(str(path))[::-1, ::-1]
        cv2.imwrite(str(folder / 'images' / 'all' / f'new{k}.png'), image)
        (folder / 'labels' / 'all' / f'new{k}.txt').write_text('1 0.5 0.5 0.2 0.2\n')
    names = {'train': 'images/all', 'names': ['drain', 'equip']}
    (folder / 'data.yaml').write_text(yaml.safe_dump(names))
    return folder


def test_corrections_are_added_under_the_numbers_of_the_fixed_set(
    boxes_set, corrections, tmp_path
):
    found = combine(boxes_set, [corrections], tmp_path / 'data')
    assert found.names == ('equip', 'drain')
    assert [(one.images, one.instances) for one in found.added] == [(3, 3)]
    labels = sorted((tmp_path / 'data').rglob('new*.txt'))
    assert {label.read_text().split()[0] for label in labels} == {'0'}
    report = check(found.data)
    assert report.faults == ()
    assert report.splits['train'].images == 8 + 3
    assert report.splits['val'].images == 3


def test_sets_that_cannot_be_learned_from_are_named_and_the_others_are_taken(
    boxes_set, corrections, tmp_path
):
    strange = shutil.copytree(corrections, tmp_path / 'strange')
    (strange / 'data.yaml').write_text(
        yaml.safe_dump({'train': 'images/all', 'names': ['drain', 'hatch']})
    )
    damaged = shutil.copytree(corrections, tmp_path / 'damaged')
    next((damaged / 'labels' / 'all').iterdir()).write_text('1 much\n')
    found = combine(boxes_set, [strange, damaged, tmp_path / 'no', corrections], tmp_path / 'data')
    assert [one.name for one in found.added] == ['corrections']
    lost = '\n'.join(found.lost)
    assert 'it labels hatch, and the fixed set has equip, drain' in lost
    assert str(damaged) in lost
    assert str(tmp_path / 'no') in lost
    with pytest.raises(LearningError, match='no corrections to learn from'):
        combine(boxes_set, [strange], tmp_path / 'data')
    with pytest.raises(LearningError, match='does not exist'):
        combine(tmp_path / 'data.yaml', [corrections], tmp_path / 'data')


def test_one_command_trains_compares_and_promotes_with_a_record(
    config, corrections, tmp_path, capsys
):
    out = tmp_path / 'out'
    words = ['retrain', str(config), '--labels', str(corrections), '--device', 'cpu']
    words += ['--backend', 'onnxruntime', '--output', str(out), '--name', 'mine']
    loose = ['--least-gain', '-1', '--most-lost', '1', '--most-class-lost', '1']
    assert main([*words, *loose]) == 0
    assert 'Promoted' in capsys.readouterr().out
    record = json.loads((out / 'record.json').read_text())
    assert record['promoted'] is True
    assert record['labels'][0]['images'] == 3
    assert record['config']['epochs'] == 1
    assert 'no test split' in record['notes'][0]
    assert (out / 'evaluation' / 'report.md').is_file()
    with Detector.open(out / 'mine.zip', device='cpu') as detector:
        assert detector.names == ('equip', 'drain')
    assert main([*words, *loose]) == 1
    assert 'finished run already' in capsys.readouterr().err
    # The training of a run that was killed while it compared is not done again.
    flying = shutil.move(out / 'mine.zip', tmp_path / 'flying.zip')
    (out / 'record.json').unlink()
    trained = (out / 'train' / 'weights' / 'best.pt').stat().st_mtime_ns
    assert main([*words, '--against', str(flying), '--least-gain', '0.5']) == 4
    assert (out / 'train' / 'weights' / 'best.pt').stat().st_mtime_ns == trained
    record = json.loads((out / 'record.json').read_text())
    assert record['promoted'] is False
    assert 'gain of mAP50' in [one['name'] for one in record['checks'] if not one['passed']]
    assert not list(out.glob('*.zip'))


@pytest.mark.parametrize('limits', [{'least_gain': 2.0}, {'most_lost': -0.1}])
def test_limits_that_mean_nothing_are_refused(limits):
    with pytest.raises(LearningError, match='expected'):
        PromotionLimits(**limits)


class Measured:
    """What of an evaluation a promotion looks at."""

    def __init__(self, map50, ap50, instances=50):

        self.map50, self.map50_interval = map50, (map50 - 0.01, map50 + 0.01)
        self.map50_samples = np.linspace(map50 - 0.01, map50 + 0.01, 101)
        self.per_class = {'equip': type('One', (), {'ap50': ap50, 'instances': instances})}


def test_a_model_that_forgets_a_class_is_not_promoted():
    old = Measured(0.6, 0.7)
    limits = PromotionLimits()

    def failed(new, before=old):
        return [one.name for one in promotion_checks(before, new, limits) if not one.passed]

    assert failed(Measured(0.65, 0.75)) == []
    assert failed(Measured(0.65, 0.55)) == ['gain of AP50 of equip']
    assert failed(Measured(0.65, 0.55, 3), Measured(0.6, 0.7, 3)) == []
    assert failed(Measured(0.55, 0.7)) == ['gain of mAP50', 'its 95 % interval begins at']


@pytest.fixture(scope='module')
def decided(tmp_path_factory):
    """Return an inspection of which a person decided all findings."""
    folder = tmp_path_factory.mktemp('decided')
    roof = fly_and_inspect(folder, confidence=0.95, frames=6, telemetry=False)
    for number in sorted(read_inspection(roof).findings):
        decide(roof, number, 'reject' if number % 3 == 0 else 'confirm')
    return roof


def test_what_reviewers_decided_is_a_training_set(decided, tmp_path, capsys):
    out = tmp_path / 'set'
    assert main(['decisions', str(decided), '--output', str(out), '--per-finding', '2']) == 0
    report = check(out)
    assert report.faults == ()
    inspection = read_inspection(decided)
    rejected = [one for one in inspection.findings.values() if one.state is FindingState.REJECTED]
    assert rejected
    record = json.loads((out / 'labels.json').read_text())
    assert record['inspections'] == ['roof']
    written = {path.stem for path in images_below(out / 'images')}
    shown = {
        f'roof-DJI_0001_frame_{frame.index:06d}': sum(
            not inspection.is_rejected(one) for one in inspection.of_frame(frame)
        )
        for frame in inspection.frames
    }
    for name in written:
        lines = (out / 'labels' / 'all' / f'{name}.txt').read_text().splitlines()
        assert len(lines) == shown[name]
    assert f'{len(written)} frames with' in capsys.readouterr().out


def test_an_inspection_without_decisions_labels_nothing(decided, tmp_path, capsys):

    plain = shutil.copytree(decided, tmp_path / 'plain')
    with sqlite3.connect(plain / 'inspection.gpkg') as store:
        store.execute('DROP TRIGGER decisions_no_delete')
        store.execute('DELETE FROM decisions')
    store.close()
    assert main(['decisions', str(plain), '--output', str(tmp_path / 'no')]) == 1
    assert 'No frame is labelled by decisions' in capsys.readouterr().err
    assert not (tmp_path / 'no').exists()
