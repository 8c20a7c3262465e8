# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import re

import cv2
import numpy as np
import onnx
import pytest
import torch
import yaml

from roof_detector.inference.detector import Detector
from roof_detector.inference.openvino_core import openvino_core
from roof_detector.inference.quiet_ultralytics import import_quietly
from training.quantization.onnx_int8 import read_metadata
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
    images = str(boxes_set.parent / 'images' / 'train')
    calibration = ['--calibration', images, '--calibration-count', '6', '--threads', '1']
    return [str(checkpoint), '--data', str(boxes_set), *calibration]


@pytest.fixture(scope='module', params=['openvino', 'onnx'])
def quantized(request, command, tmp_path_factory):
    folder = tmp_path_factory.mktemp('quantized')
    assert main([*command, '--output', str(folder), '--format', request.param]) == 0
    names = {'openvino': 'tiny-int8_openvino_model', 'onnx': 'tiny-int8.onnx'}
    return folder / names[request.param]


def metadata_of(path):
    if path.is_dir():
        return yaml.safe_load((path / 'metadata.yaml').read_text())
    return read_metadata(onnx.load(path))


def test_the_network_computes_with_eight_bits_and_answers_nearly_alike(
    quantized, checkpoint, boxes_set
):
    image = cv2.imread(str(boxes_set.parent / 'images' / 'val' / 'val0.png'))
    answers = []
    for path in (checkpoint, quantized):
        with Detector.open(path, device='cpu', backend='auto', image_size=64) as detector:
            answers.append(detector.infer(detector.preprocess(image))[0].raw.predictions)
            precision = detector.precision
    assert precision == 'int8'
    whole, small = answers
    assert (whole != small).any()
    # Were the decoding of boxes in 8 bits as well, they would lie on a grid.
    np.testing.assert_allclose(small[:, :4], whole[:, :4], atol=1.0)
    np.testing.assert_allclose(small[:, 4:], whole[:, 4:], atol=0.02)


def test_what_it_lost_stands_in_its_metadata(quantized):
    metadata = metadata_of(quantized)
    assert metadata['roof_detector']['precision'] == 'int8'
    assert 'nncf' in metadata['roof_detector']['versions']
    quantization = metadata['quantization']
    assert quantization['calibration_frames'] == 6
    assert (quantization['images'], quantization['instances']) == (3, 6)
    assert len(quantization['map50']) == len(quantization['forward_ms']) == 2
    assert [path.name for path in quantized.parent.iterdir()] == [quantized.name]


@pytest.mark.parametrize('quantized', ['openvino'], indirect=True)
def test_the_outermost_convolutions_keep_their_weights(quantized):
    (graph,) = quantized.glob('*.xml')
    kinds = {True: set(), False: set()}
    for one in openvino_core().read_model(graph).get_ops():
        if one.get_type_name() in {'Convolution', 'GroupConvolution'}:
            weights = one.input_value(1).get_node()
            while weights.get_type_name() != 'Constant':
                weights = weights.input_value(0).get_node()
            is_int8 = weights.get_element_type().get_type_name() == 'i8'
            kinds[is_int8].add(one.get_friendly_name())
    head = [name for name in kinds[False] if re.search(r'\.cv[23]\.\d\.2/', name)]
    (first,) = (name for name in kinds[False] if name.startswith('__module.model.0.'))
    assert head
    assert not any(re.search(r'\.cv[23]\.\d\.2/', name) for name in kinds[True])
    assert kinds[False] <= {first, *head} | {one for one in kinds[False] if '.dfl' in one}
    assert len(kinds[True]) > 10


@pytest.mark.parametrize('quantized', ['onnx'], indirect=True)
def test_a_graph_holds_what_tensorrt_takes(quantized):
    """Signed values around 0 alone; and what makes boxes is not touched."""
    model = onnx.load(quantized)
    constants = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    pair = ('QuantizeLinear', 'DequantizeLinear')
    pairs = [one for one in model.graph.node if one.op_type in pair]
    assert len(pairs) > 20
    zeros = [constants[one.input[2]] for one in pairs]
    assert {str(one.dtype) for one in zeros} == {'int8'}
    assert not any(one.any() for one in zeros)
    softmax = next(one for one in model.graph.node if one.op_type == 'Softmax')
    makers = {name: one for one in model.graph.node for name in one.output}
    assert makers[softmax.input[0]].op_type != 'DequantizeLinear'


@pytest.mark.skipif(torch.cuda.is_available(), reason='This machine can build engines.')
def test_an_engine_is_made_only_where_it_can_run(command, tmp_path, capsys):
    assert main([*command, '--output', str(tmp_path), '--format', 'engine']) == 1
    assert 'tensorrt' in capsys.readouterr().err.lower()
    assert list(tmp_path.iterdir()) == []


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
