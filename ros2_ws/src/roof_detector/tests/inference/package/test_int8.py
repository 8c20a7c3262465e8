# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A package's INT8 model runs only where its stated loss allows it, and on request."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from roof_detector.bags.records import metadata_records
from roof_detector.cli.main import main
from roof_detector.inference import detector as detector_module
from roof_detector.inference.detector import Detector
from roof_detector.inference.device_name import has_int8_instructions
from roof_detector.inference.errors import BadModel
from roof_detector.inference.model_file import open_backend
from roof_detector.inference.package.container import read_files, write_zip
from roof_detector.inference.package.int8_facts import LEAST_IMAGES, Int8Facts, read_int8_facts
from roof_detector.inference.package.manifest import (
    INT8,
    INT8_FILES,
    INT8_GRAPH,
    INT8_WEIGHTS,
    MANIFEST,
    ONNX,
    Manifest,
)
from roof_detector.inference.package.model_package import ModelPackage
from roof_detector.inference.package.scale import with_int8
from roof_detector.inference.shipped_weights import resolve_model, shipped_models
from roof_detector.offline.settings import NetworkFacts
from training.quantization.int8_package import write_int8_package
from training.quantization.loss import Loss
from training.quantization.quantization import Quantized

GOOD = Int8Facts(map50=(0.612, 0.609), images=400, objects=2100, measured_on='photographs')

LOSS = Loss(
    images=400, instances=2100, map50=(0.612, 0.609), map50_95=(0.4, 0.4), forward_ms=(20.0, 10.0)
)


@pytest.fixture
def with_instructions(monkeypatch):
    monkeypatch.setattr(detector_module, 'has_int8_instructions', lambda: True)


@pytest.fixture(scope='module')
def quantized():
    """Return the shipped model's ONNX with the weights of its convolutions rounded to 8 bits."""
    onnx = pytest.importorskip('onnx')
    from onnx import numpy_helper

    model = onnx.load_from_string(read_files(resolve_model('roof_anomalies'))[ONNX])
    for one in model.graph.initializer:
        weights = numpy_helper.to_array(one)
        if weights.ndim == 4 and weights.dtype == np.float32:
            scale = np.abs(weights).max(axis=(1, 2, 3), keepdims=True) / 127 + 1e-12
            one.CopyFrom(numpy_helper.from_array((weights / scale).round() * scale, one.name))
    return model.SerializeToString()


@pytest.fixture(scope='module')
def openvino_model(quantized, tmp_path_factory):
    """Return the same network as a folder with the graph and the weights of OpenVINO."""
    openvino = pytest.importorskip('openvino')
    folder = tmp_path_factory.mktemp('quantized') / 'model_openvino_model'
    folder.mkdir()
    model = openvino.Core().read_model(quantized)
    openvino.save_model(model, folder / 'model.xml', compress_to_fp16=False)
    return folder


def in_openvino_format(folder):
    return {
        INT8_GRAPH: (folder / 'model.xml').read_bytes(),
        INT8_WEIGHTS: (folder / 'model.bin').read_bytes(),
    }


def package(tmp_path, model, facts):
    if isinstance(model, bytes):
        model = {INT8: model}
    files = with_int8(read_files(resolve_model('roof_anomalies')), model, facts)
    write_zip(tmp_path / 'model.zip', files)
    return tmp_path / 'model.zip'


def test_the_int8_model_runs_on_request_and_says_what_it_loses(
    tmp_path, quantized, with_instructions
):
    path = package(tmp_path, quantized, GOOD)
    image = np.full((96, 128, 3), 90, np.uint8)
    with Detector.open(path, device='cpu', backend='onnxruntime', threads=1) as detector:
        assert detector.precision == 'f32', 'off by default'
        assert 'int8' not in dict(detector.choice.passed_over)
    with Detector.open(path, device='cpu', backend='openvino', int8=True, threads=1) as detector:
        assert detector.precision == 'int8'
        assert 'in INT8: loses 0.3 points of mAP50 (0.612 to 0.609) on 400 images of ' in (
            detector.choice.sentence
        )
        detector.detect(image, detector_module.Thresholds())


def test_a_model_in_openvino_format_runs_with_openvino_alone(
    tmp_path, quantized, openvino_model, with_instructions
):
    path = package(tmp_path, in_openvino_format(openvino_model), GOOD)
    image = np.random.default_rng(1).integers(0, 255, (96, 128, 3), np.uint8)
    with Detector.open(path, device='cpu', backend='openvino', int8=True, threads=1) as detector:
        assert detector.precision == 'int8'
        found = detector.detect(image, detector_module.Thresholds(confidence=0.001))
    other = package(tmp_path, quantized, GOOD)
    with Detector.open(other, device='cpu', backend='openvino', int8=True, threads=1) as detector:
        same = detector.detect(image, detector_module.Thresholds(confidence=0.001))
    assert len(found) == len(same) > 0, 'the weights in the package are those that run'
    assert np.allclose(found.scores, same.scores, atol=1e-4)
    path = package(tmp_path, in_openvino_format(openvino_model), GOOD)
    with Detector.open(path, device='cpu', backend='onnxruntime', int8=True) as detector:
        assert detector.precision == 'f32'
        assert dict(detector.choice.passed_over)['int8'] == (
            'it is for openvino, and onnxruntime runs here'
        )
    with pytest.raises(BadModel, match='no INT8 model that onnxruntime runs'):
        open_backend(path, backend='onnxruntime', device='cpu', int8=True)


@pytest.mark.parametrize('cut', [INT8_GRAPH, INT8_WEIGHTS])
def test_a_damaged_openvino_model_keeps_fp32_and_says_why(
    tmp_path, openvino_model, with_instructions, cut
):
    files = in_openvino_format(openvino_model)
    path = package(tmp_path, {**files, cut: files[cut][: len(files[cut]) // 2]}, GOOD)
    with Detector.open(path, device='cpu', backend='openvino', int8=True, threads=1) as detector:
        assert detector.precision == 'f32'
        assert 'cut short or damaged' in dict(detector.choice.passed_over)['int8']


def test_an_openvino_model_becomes_part_of_its_package(tmp_path, openvino_model):
    made = Quantized(openvino_model, LOSS)
    assert 'the parameter int8 runs it' in write_int8_package(
        'roof_anomalies', made, tmp_path / 'new.zip', on='photographs'
    )
    opened = ModelPackage.open(tmp_path / 'new.zip')
    assert opened.manifest.int8.map50 == LOSS.map50
    expected = in_openvino_format(openvino_model)
    assert {name: opened.files.get(name) for name in INT8_FILES} == {
        INT8: None,
        **expected,
    }


@pytest.mark.parametrize(
    ('changed', 'reason'),
    [
        ({'map50': (0.612, 0.607)}, 'less than 0.5 are allowed'),
        ({'measured_on': 'simulation'}, 'not measured on photographs'),
        ({'images': 99}, 'too few images'),
    ],
)
def test_a_loss_that_is_too_high_or_proves_nothing_keeps_fp32(
    tmp_path, quantized, with_instructions, changed, reason
):
    path = package(tmp_path, quantized, replace(GOOD, **changed))
    with Detector.open(path, device='cpu', backend='openvino', int8=True, threads=1) as detector:
        assert detector.precision == 'f32'
        assert reason in dict(detector.choice.passed_over)['int8']


def test_an_int8_model_that_answers_otherwise_here_keeps_fp32_and_is_not_written(
    tmp_path, quantized, with_instructions
):
    """OpenVINO 2026.4.1 gave noise for what ONNX Runtime runs rightly: pairs of Q and DQ."""
    onnx = pytest.importorskip('onnx')
    from onnx import numpy_helper

    model = onnx.load_from_string(quantized)
    weights = next(one for one in model.graph.initializer if len(one.dims) == 4)
    weights.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(weights), weights.name))
    wrong = model.SerializeToString()
    path = package(tmp_path, wrong, GOOD)
    with Detector.open(path, device='cpu', backend='openvino', int8=True, threads=1) as detector:
        assert detector.precision == 'f32'
        reason = dict(detector.choice.passed_over)['int8']
        assert 'fails its self-test with openvino on cpu' in reason
    (tmp_path / 'wrong.onnx').write_bytes(wrong)
    made = Quantized(tmp_path / 'wrong.onnx', LOSS)
    with pytest.raises(BadModel, match='fails its self-test'):
        write_int8_package('roof_anomalies', made, tmp_path / 'new.zip', on='photographs')
    assert not (tmp_path / 'new.zip').exists()


def test_other_devices_precisions_and_packages_keep_fp32_and_say_why(
    tmp_path, quantized, monkeypatch
):
    path = package(tmp_path, quantized, GOOD)

    def why(model, **options):
        with Detector.open(model, device='cpu', int8=True, threads=1, **options) as detector:
            assert detector.precision != 'int8'
            return dict(detector.choice.passed_over)['int8']

    monkeypatch.setattr(detector_module, 'has_int8_instructions', lambda: False)
    assert 'no instructions' in why(path, backend='openvino')
    monkeypatch.setattr(detector_module, 'has_int8_instructions', lambda: True)
    assert 'precision bf16' in why(path, backend='openvino', precision='bf16')
    monkeypatch.setattr(detector_module, 'is_x86', lambda: True)
    assert 'onnxruntime does not run it faster' in why(path, backend='onnxruntime')
    write_zip(tmp_path / 'without.zip', without_int8(read_files(path)))
    assert 'has no INT8 model' in why(tmp_path / 'without.zip', backend='onnxruntime')


@pytest.mark.parametrize('name', shipped_models())
def test_a_shipped_package_holds_an_int8_model_and_stays_below_12_mib(name, with_instructions):
    path = resolve_model(name)
    assert path.stat().st_size < 12 * 2**20
    facts = ModelPackage.open(path).manifest.int8
    assert facts.measured_on == 'photographs' and facts.lost < 0.005
    if not has_int8_instructions():
        pytest.skip('this processor has no instructions for INT8')
    with Detector.open(path, device='cpu', backend='openvino', int8=True, threads=1) as detector:
        if facts.images < LEAST_IMAGES:
            assert 'too few images' in dict(detector.choice.passed_over)['int8']
        else:
            assert detector.precision == 'int8', detector.choice.passed_over


@pytest.mark.parametrize(
    ('facts', 'precision'),
    [(GOOD, 'int8'), (replace(GOOD, measured_on='simulation'), 'f32')],
    ids=['small loss', 'never seen a photograph'],
)
def test_detect_and_inspect_run_it_on_request_and_their_results_say_so(
    tmp_path, quantized, with_instructions, capsys, facts, precision
):
    photos = tmp_path / 'photos'
    photos.mkdir()
    for number in range(2):
        image = np.random.default_rng(number).integers(0, 255, (96, 128, 3), np.uint8)
        assert cv2.imwrite(str(photos / f'{number}.png'), image)
    model = str(package(tmp_path, quantized, facts))
    given = ['--model', model, '--device', 'cpu', '--backend', 'openvino', '--int8']
    for command in ('detect', 'inspect'):
        output = tmp_path / command
        with pytest.raises(SystemExit) as ended:
            main([command, str(photos), '--output', str(output), *given])
        assert ended.value.code == 0
        refused = 'no INT8 model runs, it was not measured on photographs' in (
            capsys.readouterr().err
        )
        assert refused == (precision == 'f32')
        (bag,) = output.rglob('metadata.yaml')
        manifest = dict(metadata_records(bag.parent))['roof_detector']
        assert NetworkFacts.read(manifest['network']).precision == precision


def test_the_manifest_and_the_files_agree_about_it(tmp_path, quantized):
    path = package(tmp_path, quantized, GOOD)
    files = read_files(path)
    manifest = Manifest.read(files[MANIFEST])
    assert manifest.int8 == GOOD and INT8 in manifest.files
    assert ModelPackage.open(path).manifest.int8 == GOOD
    with pytest.raises(BadModel, match=r'states no int8 and lists model_int8\.onnx'):
        Manifest.read(replace(manifest, int8=None).as_bytes())
    rest = {name: one for name, one in manifest.files.items() if name != INT8}
    one = manifest.files[INT8]
    for wrong in ({}, {INT8_GRAPH: one}, {INT8_WEIGHTS: one}, {INT8: one, INT8_GRAPH: one}):
        with pytest.raises(BadModel, match='states int8 and lists'):
            Manifest.read(replace(manifest, files={**rest, **wrong}).as_bytes())
    both = {INT8_GRAPH: one, INT8_WEIGHTS: one}
    assert Manifest.read(replace(manifest, files={**rest, **both}).as_bytes()).int8 == GOOD
    write_zip(path, {**files, INT8: quantized[:-1]})
    with pytest.raises(BadModel, match='is not the file that its manifest names'):
        ModelPackage.open(path)


def without_int8(files):
    manifest = Manifest.read(files[MANIFEST])
    kept = {name: one for name, one in manifest.files.items() if name not in INT8_FILES}
    manifest = replace(manifest, files=kept, int8=None)
    return {**{name: files[name] for name in kept}, MANIFEST: manifest.as_bytes()}


@pytest.mark.parametrize(
    'wrong',
    [
        {'map50': [0.6]},
        {'map50': [0.6, 1.2]},
        {'map50': [True, 0.5]},
        {'images': 0},
        {'objects': 1.5},
        {'measured_on': 'paintings'},
        {'more': 1},
    ],
)
def test_facts_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match='int8'):
        read_int8_facts({**GOOD.to_dict(), **wrong})
    assert read_int8_facts(GOOD.to_dict()) == GOOD
