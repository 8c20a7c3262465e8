# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Models over images that are labelled with what they find themselves."""

from __future__ import annotations

import json
import re

import cv2
import numpy as np
import pytest
import torch

from roof_detector.inference.detector import Detector
from roof_detector.inference.package.checkpoint_import import import_package
from roof_detector.inference.quiet_ultralytics import import_quietly
from roof_detector.inference.shipped_weights import resolve_model
from roof_detector.inference.torch_threads import torch_threads
from roof_detector.vision.letterbox import to_blob
from roof_detector.vision.matching import MatchCounts
from roof_detector.vision.thresholds import Thresholds
from training import evaluate as command
from training.evaluation import EvaluationError, evaluate
from training.evaluation.comparison import difference

MODEL = 'roof_anomalies'


def run(data, *, size=416, **options):
    quick = {'device': 'cpu', 'backend': 'onnxruntime', 'resamples': 50, 'progress': False}
    return evaluate(MODEL, data, image_size=size, **quick, **options)


@pytest.fixture(scope='module')
def own(self_labelled):
    return run(self_labelled.data)


@pytest.fixture(scope='module')
def changed(self_labelled, tmp_path_factory):
    """Return an evaluation in whose labels one object is left out and one is made up."""

    def change(lines):
        assert all(lines)
        return [lines[0][1:], [*lines[1], '1 0.03 0.03 0.06 0.06'], *lines[2:]]

    return run(self_labelled.relabel(tmp_path_factory.mktemp('changed'), change=change))


def test_images_without_a_label_have_no_average_precision(self_labelled, tmp_path):
    empty = run(self_labelled.relabel(tmp_path, change=lambda lines: [[] for _ in lines]))
    assert (empty.map50, empty.map50_interval, empty.instances) == (None, None, 0)
    assert empty.boxes.together.best is None
    assert empty.boxes.together.at_confidence.wrong > 0
    json.dumps(empty.to_dict(), allow_nan=False)


def test_a_model_agrees_wholly_with_what_it_finds_itself(own, self_labelled):
    assert own.instances >= 4
    assert own.map50 == own.map50_95 == pytest.approx(1)
    assert own.map50_interval == pytest.approx((1, 1))
    for name, one in own.per_class.items():
        if one.instances:
            assert (one.precision, one.recall) == (1, 1), name
            assert one.best_confidence < 1
    together = own.boxes.together.best
    assert together.f1 == 1
    assert together.confidence == pytest.approx(self_labelled.confidence, abs=0.15)


def test_what_is_counted_is_what_the_node_would_publish(changed):
    score = MatchCounts()
    options = {'image_size': 416, 'device': 'cpu', 'backend': 'onnxruntime'}
    with Detector.open(resolve_model(MODEL), **options) as detector:
        for image in changed.images:
            found = detector.detect(cv2.imread(str(image.path)), Thresholds())
            score.add(
                predicted_xyxy=found.boxes_xyxy,
                predicted_names=[detector.names[i] for i in found.class_ids],
                target_xyxy=image.true.boxes_xyxy,
                target_names=[changed.names[i] for i in image.true.class_ids],
            )
    for name, one in changed.per_class.items():
        point = one.at_confidence
        counted = [counts.get(name, 0) for counts in (score.right, score.wrong, score.missed)]
        assert [point.right, point.wrong, point.missed] == counted, name


def test_classes_are_compared_by_name(own, self_labelled, tmp_path):
    turned = tuple(reversed(self_labelled.names))

    def change(lines):
        ids = {str(i): str(turned.index(name)) for i, name in enumerate(self_labelled.names)}
        return [[f'{ids[line[0]]}{line[1:]}' for line in own_lines] for own_lines in lines]

    evaluation = run(self_labelled.relabel(tmp_path, change=change, names=turned))
    assert {name: one.ap50 for name, one in evaluation.per_class.items()} == {
        name: one.ap50 for name, one in own.per_class.items()
    }


def test_classes_that_only_one_side_knows_are_named_in_a_note(self_labelled, tmp_path):
    def change(lines):
        return [[f'0{line[1:]}' for line in own_lines if line[0] == '0'] for own_lines in lines]

    data = self_labelled.relabel(tmp_path, change=change, names=['equip', 'skylight'])
    evaluation = run(data)
    assert evaluation.names == ('equip', 'skylight')
    assert evaluation.per_class['equip'].ap50 == pytest.approx(1)
    assert evaluation.per_class['skylight'].ap50 is None
    assert len(evaluation.per_class['equip'].curve.scores) > 0
    text = ' '.join(evaluation.notes)
    assert 'found of drain, crack, ponding, rust is left out' in text
    assert 'does not know skylight' in text


def test_data_that_shares_no_class_with_the_model_is_refused(self_labelled, tmp_path):
    names = [f'{name} on mars' for name in self_labelled.names]
    data = self_labelled.relabel(tmp_path, change=lambda lines: lines, names=names)
    with pytest.raises(EvaluationError, match=r'they share no class\. Name the classes'):
        run(data)


def test_images_and_labels_without_a_yaml_need_only_names(self_labelled, tmp_path, own):
    data = self_labelled.relabel(tmp_path, change=lambda lines: lines)
    data.unlink()
    folder = tmp_path
    with pytest.raises(EvaluationError, match='--names'):
        run(folder)
    assert run(folder, names=self_labelled.names).map50 == own.map50


def test_faulty_labels_are_refused_with_their_line_or_left_out(self_labelled, tmp_path):
    def change(lines):
        return [[*lines[0], '0 0.5 0.5 2.5 0.1'], *lines[1:]]

    data = self_labelled.relabel(tmp_path, change=change)
    number = len(self_labelled.label_path(self_labelled.images[0]).read_text().splitlines()) + 1
    with pytest.raises(EvaluationError, match=rf'roof_0\.txt:{number}: .*--skip-faulty'):
        run(data)
    evaluation = run(data, skip_faulty=True)
    assert len(evaluation.images) == len(self_labelled.images) - 1
    assert '1 of 3 images are left out' in evaluation.notes[0]


def test_a_split_that_is_absent_is_refused(self_labelled):
    with pytest.raises(EvaluationError, match=r"no image in the split 'test', it has: val"):
        run(self_labelled.data, split='test')


def test_a_model_is_not_better_than_itself(own, changed):
    assert difference(own, own) == (0, 0)
    low, high = difference(own, changed)
    assert high > 0 and low >= 0


def test_a_label_that_stands_twice_counts_once(self_labelled, tmp_path, own):
    data = self_labelled.relabel(
        tmp_path, change=lambda lines: [[*lines[0], lines[0][0]], *lines[1:]]
    )
    evaluation = run(data)
    assert evaluation.instances == own.instances
    assert any('count once' in note for note in evaluation.notes)


@pytest.fixture(scope='module')
def segmented(tmp_path_factory, frames, label_with):
    """Return a random segmentation model, and images labelled with its own masks."""
    folder = tmp_path_factory.mktemp('segmented')
    model = save_random_segmentation_model(folder / 'seg.pt', frames[0])
    labelled = label_with(
        model, folder / 'data', frames[:2], confidence=0.3, image_size=256, lines_of=outline_lines
    )
    return model, labelled


def save_random_segmentation_model(path, image_bgr):
    """Save a random model whose scores spread; its norms are settled on one image."""
    torch.manual_seed(3)
    model = import_quietly('ultralytics.nn.tasks').SegmentationModel(
        'yolo11n-seg.yaml', nc=2, verbose=False
    )
    model.names = {0: 'equip', 1: 'drain'}
    model.args = {'imgsz': 256}
    for norm in model.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.momentum = 1.0
    blob = torch.from_numpy(to_blob(cv2.resize(image_bgr, (256, 256))[None]))
    for branches, mean in ((model.model[-1].cv3, -2.5), (model.model[-1].cv4, 0.0)):
        for branch in branches:
            torch.nn.init.normal_(branch[-1].weight, std=0.15)
            torch.nn.init.constant_(branch[-1].bias, mean)
    with torch.no_grad():
        model.train()(blob)
    arguments = {'imgsz': 256, 'task': 'segment'}
    torch.save({'epoch': -1, 'model': model.eval().half(), 'train_args': arguments}, path)
    return path


def test_a_network_that_was_hardly_trained_is_one_package_whatever_the_threads(segmented):
    """Its answers differ by 0.4 pixels between one thread and two; it was read with one."""
    model, _ = segmented
    packages = []
    for threads in (1, 2, 5):
        with torch_threads(threads):
            packages.append(import_package(model, name='seg'))
            assert torch.get_num_threads() == threads
    assert packages[0] == packages[1] == packages[2]


def outline_lines(found, size_wh):
    for i, (_, _, class_id) in enumerate(found.rows()):
        mask = found.masks.full(i).astype(np.uint8)
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        large = [contour for contour in contours if cv2.contourArea(contour) > 60]
        if large:
            largest = max(large, key=cv2.contourArea)
            shares = (largest[:, 0] + 0.5) / size_wh
            yield f'{class_id} ' + ' '.join(f'{share:.8f}' for share in shares.reshape(-1))


def test_masks_are_measured_beside_boxes(segmented):
    model, labelled = segmented
    evaluation = evaluate(
        model, labelled.data, image_size=256, device='cpu', resamples=10, progress=False
    )
    assert evaluation.instances > 2
    masks = evaluation.masks.together
    # Only what lies apart from the largest piece of a mask, or is a hole in it, is not labelled.
    assert masks.ap50 > 0.8
    assert masks.instances == evaluation.instances
    assert evaluation.masks.map50 != evaluation.boxes.map50


def test_masks_are_not_measured_where_labels_are_boxes(segmented, tmp_path):
    model, labelled = segmented
    data = labelled.relabel(tmp_path, change=lambda lines: [['0 0.5 0.5 0.1 0.1'] for _ in lines])
    evaluation = evaluate(model, data, image_size=256, device='cpu', resamples=10, progress=False)
    assert evaluation.masks is None
    assert any('Masks are not measured: 2 labels' in note for note in evaluation.notes)


def test_the_command_writes_a_whole_report(changed, tmp_path, capsys):
    output, parameters = tmp_path / 'report', tmp_path / 'thresholds.yaml'
    arguments = [
        MODEL, '--data', str(changed.data.source), '--image-size', '416', '--device', 'cpu',
        '--output', str(output), '--resamples', '20', '--gallery', '3', '--backend', 'onnxruntime',
    ]  # fmt: skip
    assert command.main([*arguments, '--write-parameters', str(parameters)]) == 0
    report = (output / 'report.md').read_text()
    links = re.findall(r'!\[.*?\]\((.*?)\)', report)
    assert len(links) == 4
    for link in links:
        assert cv2.imread(str(output / link)) is not None, link
    content = json.loads((output / 'report.json').read_text())
    (told,) = content['runs'].values()
    assert told['map50'] == pytest.approx(changed.map50)
    mistakes = content['mistakes'][f'{MODEL}.zip 416']
    assert mistakes['missed'] >= 1 and mistakes['false_alarm'] >= 1
    (single,) = output.glob('gallery/missed_01_drain_roof_1.jpg')
    assert cv2.imread(str(single)).shape[0] > 700
    assert f'{changed.map50:.3f}' in capsys.readouterr().out
    assert 'class_confidence: [' in parameters.read_text()

    before = (output / 'report.json').read_bytes()
    assert command.main(arguments) == 1
    assert 'exists already, not overwritten. Add --overwrite.' in capsys.readouterr().err
    assert (output / 'report.json').read_bytes() == before
    (output / 'of_before').touch()
    assert command.main([*arguments, '--overwrite']) == 0
    assert not (output / 'of_before').exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ['report', 'thresholds.yaml']


def test_a_folder_that_is_no_report_is_never_overwritten(self_labelled, tmp_path, capsys):
    precious = tmp_path / 'thesis.tex'
    precious.write_text('all of it')
    arguments = [MODEL, '--data', str(self_labelled.data), '--output', str(tmp_path)]
    assert command.main([*arguments, '--overwrite']) == 1
    assert 'is no report of an evaluation' in capsys.readouterr().err
    assert precious.read_text() == 'all of it'


def test_several_sizes_stand_in_one_table_and_folders_of_their_own(
    self_labelled, tmp_path, capsys
):
    output = tmp_path / 'sizes'
    arguments = [
        MODEL, '--data', str(self_labelled.data), '--image-size', '416', '224', '--device', 'cpu',
        '--output', str(output), '--resamples', '20', '--gallery', '2', '--backend', 'onnxruntime',
    ]  # fmt: skip
    with_file = [*arguments, '--write-parameters', str(tmp_path / 'thresholds.yaml')]
    assert command.main(with_file) == 1
    assert 'one model at one size' in capsys.readouterr().err
    assert command.main(arguments) == 0
    rows = json.loads((output / 'report.json').read_text())['comparison']
    assert [row['model and size'] for row in rows] == [f'{MODEL}.zip 416', f'{MODEL}.zip 224']
    assert rows[0]['mAP50'] == pytest.approx(1) and rows[1]['mAP50'] < 1
    assert f'| {MODEL}.zip 416 | **1.000** |' in (output / 'report.md').read_text()
    for row in rows:
        folder = output / row['model and size'].replace(' ', '_')
        assert {'curves.png', 'confusion.png'} <= {path.name for path in folder.iterdir()}


def test_precisions_stand_in_one_table(self_labelled, tmp_path):
    output = tmp_path / 'precisions'
    arguments = [
        MODEL, '--data', str(self_labelled.data), '--image-size', '224', '--device', 'cpu',
        '--precision', 'f32', 'bf16', '--output', str(output), '--resamples', '5',
        '--gallery', '0',
    ]  # fmt: skip
    assert command.main(arguments) == 0
    report = json.loads((output / 'report.json').read_text())
    labels = [f'{MODEL}.zip 224 f32', f'{MODEL}.zip 224 bf16']
    assert [row['model and size'] for row in report['comparison']] == labels
    assert [report['runs'][label]['model']['precision'] for label in labels] == ['f32', 'bf16']
    exact, rounded = (report['runs'][label]['map50_95'] for label in labels)
    assert exact != rounded
    assert exact == pytest.approx(rounded, abs=0.05)
