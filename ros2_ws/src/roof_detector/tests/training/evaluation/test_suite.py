# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Suites: what a file may say, and a model measured on images that are labelled by itself."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from roof_detector.inference.package.class_facts import ClassFacts, MeasuredRecall
from roof_detector.inference.package.container import read_files, write_zip
from roof_detector.inference.package.model_package import ModelPackage
from roof_detector.inference.package.scale import with_class_facts
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.vision.thresholds import Thresholds, parse_class_confidence
from roof_detector.vision.tiles import Tiling
from training import evaluate as command
from training.evaluation import EvaluationError, evaluate
from training.suites import SuiteOptions, read_suite, run_suite, suite_parameters
from training.suites.card import with_photographs
from training.suites.measured_package import is_calibrated, state_recall, write_measured
from training.suites.suite_images import open_images
from training.suites.suite_parameters import best_confidences, suite_parameter_text

DATA = Path(os.environ.get('ROOF_DETECTOR_DATA', Path(__file__).parents[6] / '../shared/data'))
MODEL = 'roof_anomalies'
ABOUT = {'source': 'the test', 'commit': 'none', 'licence': 'none'}
QUICK = {'device': 'cpu', 'backend': 'onnxruntime', 'progress': False}
OPTIONS = SuiteOptions(**QUICK, resamples=20, confidence=0.5)


def write_suite(folder: Path, **sets) -> Path:
    path = folder / 'suite.yaml'
    complete = {name: {**ABOUT, 'role': 'validate', **one} for name, one in sets.items()}
    path.write_text(yaml.safe_dump({'title': 'the test', 'sets': complete}))
    return path


@pytest.fixture(scope='module')
def measured(self_labelled, tmp_path_factory):
    """Return a suite of images that are labelled by the model itself, and of grey ones."""
    folder = tmp_path_factory.mktemp('suite')
    (folder / 'grey').mkdir()
    for number in range(2):
        grey = np.full((100, 200, 3), 120 + number, np.uint8)
        assert cv2.imwrite(str(folder / 'grey' / f'{number}.png'), grey)
    (folder / 'roofs').symlink_to(self_labelled.data.parent)
    names = list(self_labelled.names)
    suite = write_suite(
        folder,
        own={
            'images': 'roofs/images',
            'names': names,
            'metres_per_pixel': 0.02,
            'shown': [416, 224],
        },
        grey={'images': 'grey', 'absent': names, 'metres_per_pixel': 0.1, 'role': 'evaluate'},
        absent={'images': 'nowhere', 'absent': names},
        other={'images': 'grey', 'absent': ['llama']},
        learned={'images': 'grey', 'absent': names, 'role': 'train'},
    )
    options = SuiteOptions(**{**vars(OPTIONS), 'roles': ('validate', 'evaluate')})
    return folder, suite, run_suite(MODEL, read_suite(suite), folder, options=options)


def test_a_suite_without_a_set_is_refused(tmp_path):
    (tmp_path / 'suite.yaml').write_text('title: nothing\n')
    with pytest.raises(EvaluationError, match='holds no sets'):
        read_suite(tmp_path / 'suite.yaml')
    with pytest.raises(EvaluationError, match=r'one of: .*real\.yaml'):
        read_suite(tmp_path / 'none.yaml')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'role': 'judge'}, "has the role 'judge', expected train"),
        ({'names': ['crack'], 'absent': ['crack']}, 'has crack both labelled and absent'),
        ({'names': [], 'absent': []}, 'says of no class what is in it'),
        ({'shown': ['half']}, "is shown 'half', expected whole, tiles"),
        ({'shown': 'tiles'}, "has 'tiles' as shown, expected a list"),
        ({'metres_per_pixel': -1.0}, 'as metres per pixel, expected more than 0'),
        ({'colour': 'blue'}, 'has the unknown keys colour'),
    ],
)
def test_a_set_that_cannot_be_meant_is_refused_with_its_name(tmp_path, change, message):
    one = {'images': 'somewhere', 'names': ['crack'], **change}
    with pytest.raises(EvaluationError, match=rf'set sand .*{message}'):
        read_suite(write_suite(tmp_path, sand=one))


def test_a_set_without_its_licence_is_refused(tmp_path):
    one = {'images': 'somewhere', 'role': 'train', 'names': ['crack'], 'source': 'x', 'commit': 1}
    (tmp_path / 'suite.yaml').write_text(yaml.safe_dump({'sets': {'sand': one}}))
    with pytest.raises(EvaluationError, match='the set sand lacks licence'):
        read_suite(tmp_path / 'suite.yaml')


def test_a_model_finds_what_it_labelled_itself(measured, self_labelled):
    _, _, result = measured
    rows = [row for row in result.rows if row.set_name == 'own' and row.is_first and row.objects]
    assert sum(row.objects for row in rows) >= 4
    for row in rows:
        assert row.shown == '416'
        assert (row.at.recall, row.touch.touched_share) == (1, 1)
        assert row.metres_per_pixel == pytest.approx(0.02)
        assert (row.area_iou == 1) if row.class_name == 'rust' else row.area_iou is None
    smaller = [row for row in result.rows if row.shown == '224']
    for row in smaller:
        assert row.metres_per_pixel == pytest.approx(0.02 * 416 / 224)
    found = {row.class_name for row in rows}
    assert set(result.unproven) == set(self_labelled.names) - found
    assert sum(one['objects'] for one in result.by_resolution(rows[0].class_name)) == (
        2 * rows[0].objects
    )


def test_what_is_not_measured_is_named_with_its_reason(measured):
    _, _, result = measured
    assert result.left_out == {
        'absent': 'nowhere is not in the folder of the data',
        'other': 'the model knows none of its classes',
        'learned': 'its role is train',
    }
    grey = [row for row in result.rows if row.set_name == 'grey']
    assert {(row.objects, row.alarms.images, round(row.alarms.area_m2)) for row in grey} == {
        (0, 2, 2 * 20 * 10)
    }


def test_the_command_writes_one_table_for_people_and_one_for_machines(
    measured, tmp_path, monkeypatch, capsys
):
    folder, suite, result = measured
    words = [MODEL, '--suite', str(suite), '--device', 'cpu', '--confidence', '0.5']
    words += ['--backend', 'onnxruntime']
    monkeypatch.delenv('ROOF_DETECTOR_DATA', raising=False)
    assert command.main([*words, '--output', str(tmp_path / 'out')]) == 1
    assert '--data-folder or ROOF_DETECTOR_DATA' in capsys.readouterr().err
    monkeypatch.setenv('ROOF_DETECTOR_DATA', str(folder))
    words += ['--output', str(tmp_path / 'out'), '--roles', 'evaluate']
    assert command.main(words) == 0
    assert 'not measured: own, its role is validate' in capsys.readouterr().out
    (written,) = json.loads((tmp_path / 'out' / 'suite.json').read_text())['results']
    expected = [row.to_dict() for row in result.rows if row.role == 'evaluate']
    assert written['rows'] == json.loads(json.dumps(expected))
    assert set(written['not_proven']) == set(result.names)
    text = (tmp_path / 'out' / 'suite.md').read_text()
    assert text.startswith(f'# {MODEL}\n\n**Not proven on photographs: {", ".join(result.names)}.')
    assert command.main(words) == 1
    assert 'Add --overwrite' in capsys.readouterr().err


def test_a_card_takes_the_figures_once_and_says_first_what_is_not_proven(measured):
    _, _, result = measured
    unproven = ', '.join(result.unproven)
    card = '# mine\n\n**Not proven on photographs: all.**\n\nA model.\n\n## Limits\n\nNone.\n'
    once = with_photographs(card, result)
    expected = (
        f'# mine\n\n**Not proven on photographs: {unproven}.**\n\nA model.\n\n## On photographs'
    )
    assert once.startswith(expected)
    assert once.endswith('\n## Limits\n\nNone.\n')
    assert '| own |' in once
    assert with_photographs(once, result) == once
    rows = tuple(row for row in result.rows if row.class_name not in result.unproven)
    proven = replace(result, rows=rows, names=tuple({row.class_name for row in rows}))
    assert 'Not proven' not in with_photographs(once, proven)
    with pytest.raises(EvaluationError, match='begins with "# NAME"'):
        with_photographs('no card', result)


def test_a_package_is_written_again_with_what_was_measured(measured, tmp_path, monkeypatch):
    _, _, result = measured
    said = write_measured(MODEL, result, tmp_path / 'measured.zip')
    classes = ModelPackage.open(tmp_path / 'measured.zip').manifest.classes
    for name, one in classes.items():
        assert all(row.objects >= 9 for row in one.recall)
        assert f'{name}: ' in said
    assert classes or not any(row.objects >= 9 for row in result.rows)
    monkeypatch.setattr('training.suites.calibration_fit.LEAST_RIGHT', 0)
    monkeypatch.setattr('training.suites.calibration_fit.LEAST_DETECTIONS', 1)
    for calibrates in (True, False):
        path = tmp_path / f'{calibrates}.zip'
        write_measured(MODEL, result, path, calibrate=calibrates)
        assert is_calibrated(path) == calibrates
    with pytest.raises(EvaluationError, match=r'does not end in \.zip'):
        write_measured(MODEL, result, tmp_path / 'measured')


def test_recall_is_restated_as_the_calibrated_package_flies(measured, tmp_path, monkeypatch):
    _, _, result = measured
    package = tmp_path / 'calibrated.zip'
    shown = next(
        name for name in result.names if any(one['objects'] for one in result.by_resolution(name))
    )
    curve = ((0.0, 0.0), (0.2, 0.5), (1.0, 1.0))
    before = {
        shown: ClassFacts(recall=(MeasuredRecall(0.5, 0.0, 99),), calibration=curve),
        'ponding': ClassFacts(calibration=curve),
    }
    write_zip(package, with_class_facts(read_files(resolve_model(MODEL)), before))
    assert is_calibrated(package)
    monkeypatch.setattr('training.suites.suite_facts.LEAST_OBJECTS', 1)
    assert f'{shown}: ' in state_recall(package, result)
    after = ModelPackage.open(package).manifest.classes
    assert after[shown].calibration == after['ponding'].calibration == curve
    assert after[shown].recall != before[shown].recall
    assert sum(one.objects for one in after[shown].recall) == sum(
        one['objects'] for one in result.by_resolution(shown)
    )


def test_thresholds_of_the_sets_that_choose_are_parameters_of_the_node(
    measured, tmp_path, monkeypatch
):
    _, _, result = measured
    monkeypatch.setattr(suite_parameters, 'LEAST_OBJECTS', 1)
    best = best_confidences(result)
    assert set(best) == set(result.names) - set(result.unproven)
    for point in best.values():
        assert (point.wrong, point.missed) == (0, 0)  # labelled by the model itself
    text = suite_parameter_text(result, thresholds=Thresholds(confidence=0.5), calibrate=False)
    (path := tmp_path / 'thresholds.yaml').write_text(text)
    parameters = yaml.safe_load(path.read_text())['/**']['ros__parameters']
    assert parse_class_confidence(parameters['class_confidence']) == tuple(
        (name, point.confidence) for name, point in best.items()
    )
    assert (parameters['confidence'], parameters['calibrate']) == (0.5, False)
    assert f'# {", ".join(result.unproven)}: too little' in text


def test_detections_on_bare_images_raise_a_threshold(measured, monkeypatch):
    _, _, result = measured
    monkeypatch.setattr(suite_parameters, 'LEAST_OBJECTS', 1)
    name, before = next(iter(best_confidences(result).items()))
    row = next(one for one in result.judged(name) if one.objects)
    lowest = row.scores[row.hits].min()
    bare = replace(
        row,
        at=replace(row.at, right=0, missed=0),
        scores=np.full(9, lowest - 1e-6),
        hits=np.zeros(9, np.bool_),
    )
    above = best_confidences(replace(result, rows=(*result.rows, bare)))[name]
    assert before.confidence <= above.confidence <= lowest
    assert above.confidence >= lowest - 1e-6


def test_of_too_few_objects_no_threshold_is_written(measured):
    _, _, result = measured
    few = replace(result, rows=tuple(row for row in result.rows if not row.objects))
    with pytest.raises(EvaluationError, match='found nothing right of a class with 9 objects'):
        suite_parameter_text(few, thresholds=Thresholds())


def test_one_image_has_no_interval(self_labelled, tmp_path):
    data = self_labelled.relabel(tmp_path, change=lambda lines: [lines[0], [], []])
    evaluation = evaluate(MODEL, data, image_size=416, resamples=20, **QUICK)
    assert evaluation.map50 is not None
    assert evaluation.map50_interval is None


def test_tiles_find_what_the_whole_image_shows_too_small(self_labelled, tmp_path):
    """The objects of one image in a frame of four times its area, at the model's size."""
    frame = np.full((640, 832, 3), 114, np.uint8)
    image_bgr = cv2.imread(str(self_labelled.images[0]))
    height, width = image_bgr.shape[:2]
    frame[:height, :width] = image_bgr
    lines = []
    for line in self_labelled.label_path(self_labelled.images[0]).read_text().splitlines():
        class_id, *box = line.split()
        x, y, w, h = np.array(box, float) * np.tile([width / 832, height / 640], 2)
        lines.append(f'{class_id} {x} {y} {w} {h}')
    for kind in ('images', 'labels'):
        (tmp_path / kind).mkdir()
    assert cv2.imwrite(str(tmp_path / 'images' / 'frame.png'), frame)
    (tmp_path / 'labels' / 'frame.txt').write_text('\n'.join(lines))
    found = {
        tiling: evaluate(
            MODEL,
            tmp_path,
            names=self_labelled.names,
            image_size=416,
            resamples=0,
            tiling=tiling,
            **QUICK,
        )
        for tiling in (None, Tiling())
    }
    recall = {key: one.boxes.together.at_confidence.recall for key, one in found.items()}
    assert recall[Tiling()] > recall[None]
    assert recall[Tiling()] > 0.7
    assert found[Tiling()].to_dict()['options']['tiling']['size'] == 0


def test_sets_that_nobody_may_train_on_are_for_evaluation_alone():
    suite = read_suite('real.yaml')
    roles = {one.images.split('/')[0]: one.role for one in suite.sets}
    assert roles['equip'] == roles['solar'] == 'evaluate'
    sites = {one.images: one.role for one in suite.sets if one.images.startswith('crack')}
    assert sites['crack_drone/images/o6'] == 'validate'


@pytest.mark.skipif(
    not (DATA / 'crack_drone').is_dir(),
    reason='shared data is absent: set ROOF_DETECTOR_DATA to its folder',
)
def test_no_photograph_is_in_two_sets_of_different_roles(tmp_path):
    roles: dict[Path, str] = {}
    for one in read_suite('real.yaml').sets:
        data = open_images(one, DATA, tmp_path)
        assert data is not None, one.name
        assert data.names == one.classes
        objects = sum(len(sample.instances) for sample in data.samples)
        assert objects or not set(one.names) - {'solar_panel'}, one.name
        for sample in data.samples:
            assert roles.setdefault(sample.image_path, one.role) == one.role
    assert len(roles) > 350
