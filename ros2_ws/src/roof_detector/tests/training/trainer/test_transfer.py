# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
import pickle

import pytest
import torch

from roof_detector.inference.errors import UnsafeModel
from roof_detector.inference.quiet_ultralytics import import_quietly
from training.errors import TrainingError
from training.trainer.transfer import read_weights, transfer

tasks = import_quietly('ultralytics.nn.tasks')
pytestmark = pytest.mark.usefixtures('one_thread')


def build(name, names=('equip', 'drain'), seed=0):
    torch.manual_seed(seed)
    kind = tasks.SegmentationModel if 'seg' in name else tasks.DetectionModel
    model = kind(name, nc=len(names), verbose=False)
    model.names = dict(enumerate(names))
    with torch.no_grad():  # as if trained: no two models agree by their initial values
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(torch.rand_like(tensor) + seed)
    return model


def same(ours, theirs, prefix):
    here, there = ours.state_dict(), theirs.state_dict()
    names = [name for name in here if name.startswith(prefix)]
    assert names
    return all(torch.equal(here[name], there[name]) for name in names)


def test_little_fits_an_architecture_that_shares_little(tiny_models):
    ours, theirs = build('yolo11n.yaml'), build(tiny_models['detect'], seed=1)
    report = transfer(ours, theirs, source='tiny.pt', class_branch='model')
    assert report.share < 0.05
    assert '1.conv' in report.left


def test_a_model_takes_all_of_its_like():
    ours, theirs = build('yolo11n-ContextGuided.yaml'), build('yolo11n-ContextGuided.yaml', seed=1)
    report = transfer(ours, theirs, source='like.pt')
    assert report.layers[0] == report.layers[1] and report.share == 1
    assert report.left == report.moved == ()
    assert same(ours, theirs, 'model.')


def test_a_segmentation_model_begins_with_a_detector_and_the_other_way_round():
    detect, segment = build('yolo11n.yaml'), build('yolo11n-seg.yaml', seed=1)
    report = transfer(segment, detect, source='detect.pt')
    assert same(detect, segment, 'model.23.cv3.')
    assert 0.9 < report.share < 1
    assert {layer.split('.')[1] for layer in report.left} == {'proto', 'cv4'}
    segment = build('yolo11n-seg.yaml', seed=2)
    report = transfer(detect, segment, source='segment.pt')
    assert report.share == 1
    assert same(detect, segment, 'model.')


def test_rows_of_classes_are_taken_by_name_never_by_number():
    ours = build('yolo11n.yaml', names=('crack', 'Drain ', 'person'))
    theirs = build('yolo11n.yaml', names=('person', 'car', 'drain'), seed=1)
    before = ours.model[-1].cv3[0][-1].weight.clone()
    report = transfer(ours, theirs, source='coco.pt')
    after, other = ours.model[-1].cv3[0][-1].weight, theirs.model[-1].cv3[0][-1].weight
    assert torch.equal(after[0], before[0])
    assert torch.equal(after[1], other[2]) and torch.equal(after[2], other[0])
    assert report.classes == ('Drain ', 'person')
    assert {'23.cv3.0.2', '23.cv3.1.2', '23.cv3.2.2'} == set(report.left)


@pytest.mark.parametrize(('branch', 'width'), [('weights', 80), ('model', 64)])
def test_the_class_branch_has_the_width_of_the_weights_or_of_the_model(branch, width):
    ours = build('yolo11n.yaml')
    theirs = build('yolo11n.yaml', names=[f'object {i}' for i in range(80)], seed=1)
    report = transfer(ours, theirs, source='coco.pt', class_branch=branch)
    assert ours.model[-1].cv3[0][-1].in_channels == width
    assert ours.model[-1].cv3[0][-1].out_channels == 2
    assert all(weights.requires_grad for weights in ours.model[-1].cv3.parameters())
    assert same(ours, theirs, 'model.23.cv3.0.0.0.')
    assert ('23.cv3.0.1.0.conv' in report.left) == (branch == 'model')
    assert report.parameters[1] == sum(weights.numel() for weights in ours.model.parameters())


def test_blocks_that_moved_are_found_at_their_stride_and_named():
    ours, theirs = build('yolo11n-ContextGuided-P2.yaml'), build('yolo11n.yaml', seed=1)
    report = transfer(ours, theirs, source='yolo11n.pt')
    assert dict(report.moved) == {17: 23, 19: 25, 20: 26, 22: 28, 23: 29}
    here, there = ours.model[23].state_dict(), theirs.model[17].state_dict()
    assert all(torch.equal(tensor, there[name]) for name, tensor in here.items())
    # The head has a level more, at stride 4: the others are shifted by one.
    assert torch.equal(
        ours.model[29].cv2[1][1].conv.weight, theirs.model[23].cv2[0][1].conv.weight
    )
    assert '17 -> 23' in str(report) and '29' in str(report)


def test_what_is_no_checkpoint_of_ours_runs_nothing(tmp_path):
    marker = tmp_path / 'ran'

    class Payload:
        def __reduce__(self):
            return os.mkdir, (str(marker),)

    path = tmp_path / 'bad.pt'
    torch.save({'model': Payload()}, path, pickle_module=pickle)
    with pytest.raises(UnsafeModel):
        read_weights(path)
    assert not marker.exists()
    onnx = tmp_path / 'model.onnx'
    onnx.write_bytes(b'x')
    with pytest.raises(TrainingError, match='expected a checkpoint'):
        read_weights(onnx)
