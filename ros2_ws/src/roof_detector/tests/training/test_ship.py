# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from roof_detector.inference.detector import Detector
from roof_detector.inference.package.model_package import ModelPackage
from roof_detector.inference.quiet_ultralytics import import_quietly
from roof_detector.inference.safe_load import load_checkpoint
from roof_detector.vision.thresholds import Thresholds
from training import shipping
from training.errors import TrainingError
from training.research.average import average
from training.ship import main
from training.shipping import ship
from training.trainer.checkpoint import make_checkpoint
from training.trainer.run_state import write_checkpoint

tasks = import_quietly('ultralytics.nn.tasks')
pytestmark = pytest.mark.usefixtures('one_thread')

RECORD = {
    'config': {
        'model': '/home/someone/yolo11n-seg.yaml',
        'data': '/home/someone/roofs/data.yaml',
        'epochs': 3,
        'image_size': 160,
        'batch': 4,
    },
    'task': 'segment',
    'class_names': ['equip', 'drain'],
    'data': {'name': 'data.yaml', 'hash': 'abc', 'splits': {}},
    'git': {'commit': 'def', 'dirty': False},
    'versions': {'torch': '2'},
    'seed': 5,
}


@pytest.fixture(scope='module')
def architectures(tiny_models, tmp_path_factory):
    """Return small networks: with boxes, with masks, and with masks of our own head."""
    ours = tmp_path_factory.mktemp('ours') / 'yolo11n-tiny-dyhead-segment.yaml'
    text = Path(tiny_models['segment']).read_text()
    ours.write_text(text.replace('Segment', 'DyHeadSegment'))
    return {**tiny_models, 'dyhead-segment': str(ours)}


def write_model(path, yaml):
    torch.manual_seed(1)
    kind = tasks.SegmentationModel if 'seg' in yaml else tasks.DetectionModel
    model = kind(yaml, nc=2, verbose=False)
    model.names = {0: 'equip', 1: 'drain'}
    for branch in model.model[-1].cv3:  # even odds, or nothing would be detected
        torch.nn.init.zeros_(branch[-1].bias)
    arguments = {
        'imgsz': 160,
        'task': 'segment' if 'seg' in yaml else 'detect',
        'project': '/home/someone',
    }
    checkpoint = make_checkpoint(
        model, arguments=arguments, metrics={'fitness': 0.5}, record=RECORD
    )
    write_checkpoint(checkpoint, path)
    return path


def detect(path):
    image = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    # Not compiled by OpenVINO, which takes seconds.
    with Detector.open(path, device='cpu', backend='onnxruntime') as detector:
        return detector.detect(image, Thresholds())


def test_a_detector_has_no_masks_to_drop(architectures, tmp_path, capsys):
    path = write_model(tmp_path / 'best.pt', architectures['detect'])
    folder = ['--folder', str(tmp_path / 'out')]
    assert main([str(path), '--name', 'plain', '--detect-only', *folder]) == 1
    assert 'expected a segmentation model' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('architecture', ['segment', 'dyhead-segment'])
def test_without_masks_a_model_finds_the_very_same_boxes(architectures, architecture, tmp_path):
    path = write_model(tmp_path / 'best.pt', architectures[architecture])
    ship(path, tmp_path / 'masks.zip')
    ship(path, tmp_path / 'boxes.zip', detect_only=True)
    with_masks, without = detect(tmp_path / 'masks.zip'), detect(tmp_path / 'boxes.zip')
    assert len(without) > 0
    assert np.array_equal(with_masks.boxes_xyxy, without.boxes_xyxy)
    assert np.array_equal(with_masks.scores, without.scores)
    assert np.array_equal(with_masks.class_ids, without.class_ids)
    model = load_checkpoint(tmp_path / 'boxes.zip')['model']
    assert type(model) is tasks.DetectionModel
    rebuilt = tasks.DetectionModel({**model.yaml}, nc=2, verbose=False)
    assert {name: tensor.shape for name, tensor in rebuilt.state_dict().items()} == {
        name: tensor.shape for name, tensor in model.state_dict().items()
    }


def test_what_is_shipped_keeps_the_record_and_no_folder(architectures, tmp_path):
    path = write_model(tmp_path / 'best.pt', architectures['segment'])
    size = ship(path, tmp_path / 'shipped.zip')
    shipped = load_checkpoint(tmp_path / 'shipped.zip')
    assert shipped['roof_detector'] == {
        **RECORD,
        'config': {**RECORD['config'], 'model': 'yolo11n-seg.yaml', 'data': 'data.yaml'},
    }
    assert shipped['train_args'] == {'imgsz': 160, 'task': 'segment'}
    assert shipped['train_metrics'] == {'fitness': 0.5}
    assert b'someone' in path.read_bytes()
    assert b'someone' not in (tmp_path / 'shipped.zip').read_bytes()
    assert size == (tmp_path / 'shipped.zip').stat().st_size < 24_000_000
    assert ModelPackage.open(tmp_path / 'shipped.zip').manifest.precision == 'f16'


def test_a_model_flies_with_the_size_it_is_shipped_with(architectures, tmp_path, capsys):
    path = write_model(tmp_path / 'best.pt', architectures['detect'])
    ship(path, tmp_path / 'own.zip')
    command = [str(path), '--name', 'larger', '--folder', str(tmp_path), '--image-size']
    assert main([*command, '224']) == 0
    for name, side in (('own', 160), ('larger', 224)):
        with Detector.open(
            tmp_path / f'{name}.zip', device='cpu', backend='onnxruntime'
        ) as detector:
            assert detector.image_size == (side, side)
    assert load_checkpoint(tmp_path / 'larger.zip')['roof_detector']['config']['image_size'] == 160
    assert main([*command, '200']) == 1
    assert 'image_size is 200, expected a positive multiple of the stride 16' in (
        capsys.readouterr().err
    )


def test_a_card_is_written_where_there_is_none_and_left_where_there_is(architectures, tmp_path):
    path = write_model(tmp_path / 'best.pt', architectures['segment'])
    ship(path, tmp_path / 'new.zip')
    assert 'commit `def`' in (tmp_path / 'new.md').read_text()
    (tmp_path / 'known.md').write_text('by hand')
    ship(path, tmp_path / 'known.zip')
    assert (tmp_path / 'known.md').read_text() == 'by hand'


def test_what_is_too_large_is_refused_and_leaves_the_old_file(
    architectures, tmp_path, monkeypatch
):
    path = write_model(tmp_path / 'best.pt', architectures['detect'])
    (tmp_path / 'model.zip').write_text('the old one')
    monkeypatch.setattr(shipping, 'MOST_BYTES', 1000)
    with pytest.raises(TrainingError, match='at most 1000'):
        ship(path, tmp_path / 'model.zip')
    assert (tmp_path / 'model.zip').read_text() == 'the old one'
    assert not list(tmp_path.glob('*.part'))


def test_the_card_of_a_mean_tells_of_what_and_claims_no_metrics(architectures, tmp_path):
    parts = [
        write_model(tmp_path / f'{name}.pt', architectures['detect']) for name in ('late', 'early')
    ]
    average(parts, tmp_path / 'mean.pt')
    ship(tmp_path / 'mean.pt', tmp_path / 'out' / 'mine.zip')
    card = (tmp_path / 'out' / 'mine.md').read_text()
    assert 'the weights are the mean of `late.pt`, `early.pt`' in card
    assert 'To be measured' in card and 'best checkpoint' not in card
