# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import shutil

import pytest
import torch
import yaml

from roof_detector.inference.detector import Detector
from roof_detector.inference.errors import BadModel, InferenceError, MissingBackend
from roof_detector.inference.model_facts import ModelFacts
from roof_detector.inference.model_hash import hash_model
from roof_detector.inference.plain_yaml import read_plain_yaml
from roof_detector.inference.quiet_ultralytics import import_quietly


@pytest.mark.parametrize('name', ['absent.pt', 'absent.onnx', 'absent_openvino_model'])
def test_a_file_that_is_missing_is_refused(tmp_path, name):
    with pytest.raises(BadModel, match=f'{name} does not exist'):
        Detector.open(tmp_path / name)


@pytest.mark.parametrize('name', ['model.txt', 'model', 'model.tflite'])
def test_a_file_of_another_kind_is_refused(tmp_path, name):
    (tmp_path / name).write_text('hello')
    with pytest.raises(BadModel, match=r'expected a \.pt, an \.onnx or the folder'):
        Detector.open(tmp_path / name)


@pytest.mark.parametrize('name', ['model.pt', 'model.onnx'])
def test_an_empty_file_is_refused(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(BadModel, match='is empty'):
        Detector.open(tmp_path / name)


@pytest.mark.parametrize('name', ['model.pt', 'model.onnx'])
def test_a_file_of_other_content_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b'\xff\xd8\xff' + bytes(range(256)) * 20)
    with pytest.raises(BadModel, match='damaged'):
        Detector.open(tmp_path / name, device='cpu')


@pytest.mark.parametrize('part', [0.01, 0.5, 0.99])
@pytest.mark.parametrize('kind', ['pt', 'onnx'])
def test_a_file_cut_short_is_refused(tmp_path, detect_models, kind, part):
    whole = getattr(detect_models, kind).read_bytes()
    path = tmp_path / f'cut.{kind}'
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(BadModel, match='damaged'):
        Detector.open(path, device='cpu')


@pytest.mark.parametrize('suffix', ['.xml', '.bin'])
def test_an_openvino_folder_cut_short_is_refused(tmp_path, detect_models, suffix):
    folder = tmp_path / 'cut_openvino_model'
    shutil.copytree(detect_models.openvino, folder)
    (file,) = folder.glob(f'*{suffix}')
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(BadModel, match='damaged'):
        Detector.open(folder, device='cpu')


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(BadModel, match=r'holds 0 files \*\.xml'):
        Detector.open(tmp_path)


def test_an_openvino_folder_without_names_is_refused(tmp_path, detect_models):
    folder = tmp_path / 'nameless_openvino_model'
    shutil.copytree(detect_models.openvino, folder)
    metadata = yaml.safe_load((folder / 'metadata.yaml').read_text())
    del metadata['names']
    (folder / 'metadata.yaml').write_text(yaml.safe_dump(metadata))
    with pytest.raises(BadModel, match='has no class names'):
        Detector.open(folder, device='cpu')
    (folder / 'metadata.yaml').unlink()
    with pytest.raises(BadModel, match='no readable metadata'):
        Detector.open(folder, device='cpu')


def test_an_onnx_file_without_names_is_refused(tmp_path, detect_models):
    import onnx

    model = onnx.load(detect_models.onnx)
    kept = [entry for entry in model.metadata_props if entry.key != 'names']
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    onnx.save(model, tmp_path / 'nameless.onnx')
    with pytest.raises(BadModel, match='has no class names'):
        Detector.open(tmp_path / 'nameless.onnx', device='cpu')


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    torch.save({'weights': torch.zeros(3)}, tmp_path / 'other.pt')
    with pytest.raises(BadModel, match='holds a NoneType, expected an ultralytics model'):
        Detector.open(tmp_path / 'other.pt', device='cpu')
    torch.save(torch.zeros(3), tmp_path / 'tensor.pt')
    with pytest.raises(BadModel, match='holds a Tensor'):
        Detector.open(tmp_path / 'tensor.pt', device='cpu')


def test_a_checkpoint_without_names_is_refused(tmp_path):
    tasks = import_quietly('ultralytics.nn.tasks')
    model = tasks.DetectionModel('yolo11n.yaml', nc=2, verbose=False)
    model.names = {}
    torch.save({'model': model}, tmp_path / 'nameless.pt')
    with pytest.raises(BadModel, match='has no class names'):
        Detector.open(tmp_path / 'nameless.pt', device='cpu')


def test_a_model_for_another_task_is_refused(tmp_path):
    tasks = import_quietly('ultralytics.nn.tasks')
    model = tasks.PoseModel('yolo11n-pose.yaml', nc=1, verbose=False)
    torch.save({'model': model}, tmp_path / 'pose.pt')
    with pytest.raises(BadModel, match="task 'pose', expected detect or segment"):
        Detector.open(tmp_path / 'pose.pt', device='cpu')


def test_a_fixed_size_cannot_be_changed(detect_models):
    with pytest.raises(BadModel, match='takes images of 320x320 only, not 640x640'):
        Detector.open(detect_models.onnx_fixed, device='cpu', image_size=640)


@pytest.mark.parametrize('kind', ['onnx', 'openvino'])
def test_other_precisions_and_devices_of_another_runtime_are_refused(detect_models, kind):
    path = getattr(detect_models, kind)
    with pytest.raises(MissingBackend, match="Precision 'int8' is asked for"):
        Detector.open(path, device='cpu', precision='int8')
    with pytest.raises(MissingBackend, match='cpu'):
        Detector.open(path, device='abacus')


@pytest.mark.parametrize(
    ('metadata', 'message'),
    [
        ({'task': 'detect', 'names': {0: 'a', 2: 'b'}}, r'numbers its classes \[0, 2\]'),
        ({'task': 'detect', 'names': ['a', 'a']}, "class name 'a' more than once"),
        ({'task': 'detect', 'names': 'roof'}, 'has no class names'),
        ({'names': ['a']}, "task 'unknown'"),
        ({'task': 'detect', 'names': ['a'], 'end2end': 'True'}, 'suppresses overlaps itself'),
        ({'task': 'detect', 'names': ['a'], 'args': "{'nms': True}"}, 'suppresses overlaps'),
    ],
)
def test_metadata_that_cannot_be_used_is_refused(tmp_path, metadata, message):
    with pytest.raises(BadModel, match=message):
        ModelFacts.read(metadata, path=tmp_path / 'model.onnx', fixed=False)


def test_metadata_is_read_from_text_as_onnx_keeps_it(tmp_path):
    metadata = {
        'task': 'segment',
        'names': "{0: 'equip', 1: 'drain'}",
        'stride': '32',
        'imgsz': '[384, 640]',
    }
    facts = ModelFacts.read(metadata, path=tmp_path, fixed=True)
    assert facts == ModelFacts(
        names=('equip', 'drain'), task='segment', stride=32, image_size=(640, 384), fixed=True
    )


@pytest.mark.parametrize('key', ['names', 'task', 'stride', 'imgsz'])
@pytest.mark.parametrize('form', ['{}', '[{}]'])
def test_a_number_that_cannot_be_written_out_is_refused_in_a_sentence(tmp_path, key, form):
    vast = form.format('0x' + 'f' * 9000)
    plain = {'names': '{0: a}', 'task': 'detect', 'stride': '32', 'imgsz': '32'}
    with pytest.raises(BadModel):
        ModelFacts.read({**plain, key: vast}, path=tmp_path, fixed=False)
    text = ''.join(f'{name}: {one}\n' for name, one in {**plain, key: vast}.items())
    with pytest.raises(BadModel, match='more than 64 bits'):
        read_plain_yaml(text.encode(), name='metadata.yaml')


def test_the_hash_of_a_folder_changes_with_each_file(tmp_path):
    (tmp_path / 'a').write_text('1')
    first = hash_model(tmp_path)
    (tmp_path / 'b').write_text('2')
    assert hash_model(tmp_path) != first
    (tmp_path / 'b').unlink()
    assert hash_model(tmp_path) == first
    assert issubclass(BadModel, InferenceError)
