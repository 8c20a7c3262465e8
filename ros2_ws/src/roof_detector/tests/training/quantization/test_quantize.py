# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
import yaml

from roof_detector.inference.detector import Detector
from roof_detector.inference.quiet_ultralytics import import_quietly
from training.quantize import main


@pytest.fixture(scope='module')
def checkpoint(tiny_models, tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('checkpoint') / 'tiny.pt'
    network = import_quietly('ultralytics.nn.tasks').DetectionModel(
        tiny_models['detect'], nc=2, verbose=False
    )
    network.names = {0: 'equip', 1: 'drain'}
    torch.save({'model': network, 'train_args': {'imgsz': 64}}, path)
    return path


@pytest.fixture(scope='module')
def command(checkpoint, boxes_set):
    pictures = str(boxes_set.parent / 'images' / 'train')
    calibration = ['--calibration', pictures, '--calibration-count', '6', '--threads', '1']
    return [str(checkpoint), '--data', str(boxes_set), *calibration]


@pytest.fixture(scope='module')
def quantized(command, tmp_path_factory):
    folder = tmp_path_factory.mktemp('quantized')
    assert main([*command, '--output', str(folder)]) == 0
    return folder / 'tiny-int8_openvino_model'


def test_the_network_computes_with_eight_bits_and_answers_nearly_alike(
    quantized, checkpoint, boxes_set
):
    image = cv2.imread(str(boxes_set.parent / 'images' / 'val' / 'val0.png'))
    answers = []
    for path in (checkpoint, quantized):
        with Detector.open(path, device='cpu', backend='auto', image_size=64) as detector:
            answers.append(detector.forward(detector.prepare(image))[0].answer.predictions)
            precision = detector.precision
    assert precision == 'int8'
    whole, small = answers
    assert (whole != small).any()
    # Were the decoding of boxes in 8 bits as well, they would lie on a grid.
    np.testing.assert_allclose(small[:, :4], whole[:, :4], atol=1.0)
    np.testing.assert_allclose(small[:, 4:], whole[:, 4:], atol=0.02)


def test_what_it_lost_stands_in_its_metadata(quantized):
    metadata = yaml.safe_load((quantized / 'metadata.yaml').read_text())
    assert metadata['roof_detector']['precision'] == 'int8'
    assert 'nncf' in metadata['roof_detector']['versions']
    quantization = metadata['quantization']
    assert quantization['calibration_frames'] == 6
    assert (quantization['pictures'], quantization['instances']) == (3, 6)
    assert len(quantization['map50']) == len(quantization['forward_ms']) == 2
    assert [path.name for path in quantized.parent.iterdir()] == [quantized.name]


def test_one_that_loses_too_much_is_refused_with_figures_and_not_kept(command, tmp_path, capsys):
    assert main([*command, '--output', str(tmp_path), '--most-lost', '-1']) == 1
    said = capsys.readouterr().err
    assert 'is refused: mAP50 falls by' in said
    assert said.count(' ms') == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--calibration', 'nowhere'], 'no file or folder nowhere'),
        (['--data', 'nowhere.yaml'], 'nowhere.yaml'),
        (['--calibration-count', '0'], 'expected 1 or more'),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(command, tmp_path, capsys, options, message):
    assert main([*command, *options, '--output', str(tmp_path / 'out')]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()
