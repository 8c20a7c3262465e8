# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""ONNX files and OpenVINO folders of strangers: what they may refer to."""

from __future__ import annotations

import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, external_data_helper, helper, numpy_helper

from roof_detector.inference import onnx_check
from roof_detector.inference.detector import Detector
from roof_detector.inference.errors import BadModel, UnsafeModel
from roof_detector.inference.model_facts import ModelFacts
from roof_detector.inference.onnx_check import check_onnx


def small_model(*nodes, initializers=(), opsets=()):
    nodes = nodes or (helper.make_node('Identity', ['x'], ['y']),)
    graph = helper.make_graph(
        list(nodes),
        'small',
        [helper.make_tensor_value_info('x', TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info('y', TensorProto.FLOAT, [1])],
        list(initializers),
    )
    imports = [helper.make_opsetid('', 18), *(helper.make_opsetid(name, 1) for name in opsets)]
    return helper.make_model(graph, opset_imports=imports)


def check(model, tmp_path):
    check_onnx(model.SerializeToString(), path=tmp_path / 'model.onnx', folder=tmp_path)


def test_an_ordinary_file_is_let_in_without_reading_its_weights(
    detect_models, tmp_path, monkeypatch
):
    read, varint = [], onnx_check._varint

    def noted(message, at):
        read.append(at)
        return varint(message, at)

    monkeypatch.setattr(onnx_check, '_varint', noted)
    content = detect_models.onnx.read_bytes()
    check_onnx(content, path=detect_models.onnx, folder=None)
    assert 1000 < len(read) < len(content) / 100, 'numbers are read, weights are passed over'
    check(small_model(), tmp_path)


@pytest.mark.parametrize('domain', ['evil.ops', 'ai.onnx.contrib', 'ai.onnxx', ' '])
def test_operators_of_other_libraries_are_refused(tmp_path, domain):
    node = helper.make_node('Anything', ['x'], ['y'], domain=domain)
    with pytest.raises(UnsafeModel, match='libraries of their own'):
        check(small_model(node), tmp_path)
    with pytest.raises(UnsafeModel, match='libraries of their own'):
        check(small_model(opsets=[domain]), tmp_path)


@pytest.mark.parametrize('operator', ['EPContext', 'PythonOp', 'ATen'])
def test_nodes_that_hold_or_name_a_program_are_refused_also_in_inner_graphs(tmp_path, operator):
    node = helper.make_node(operator, ['x'], ['y'], domain='com.microsoft')
    with pytest.raises(UnsafeModel, match=f'operator {operator}'):
        check(small_model(node), tmp_path)
    inner = helper.make_graph([node], 'inner', [], [])
    outer = helper.make_node('If', ['x'], ['y'], then_branch=inner, else_branch=inner)
    with pytest.raises(UnsafeModel, match=f'operator {operator}'):
        check(small_model(outer), tmp_path)
    function = helper.make_function(
        'local', 'wrap', ['x'], ['y'], [node], [helper.make_opsetid('', 18)]
    )
    model = small_model()
    model.functions.append(function)
    with pytest.raises(UnsafeModel):
        check(model, tmp_path)


def test_a_damaged_name_is_told_in_one_sentence_and_nothing_is_printed(tmp_path, capfd):
    node = helper.make_node('Identity', ['absent'], ['y'])
    content = small_model(node)
    content = content if isinstance(content, bytes) else content.SerializeToString()
    path = tmp_path / 'damaged.onnx'
    path.write_bytes(content.replace(b'absent', b'abs\xc4nt'))
    with pytest.raises(BadModel, match='is not an ONNX model') as raised:
        Detector.open(path, device='cpu')
    assert '\n' not in str(raised.value)
    assert capfd.readouterr() == ('', '')


def weights_in(location, tmp_path, *, as_constant=False):
    tensor = numpy_helper.from_array(np.ones(4, np.float32), 'weights')
    external_data_helper.set_external_data(tensor, location)
    tensor.ClearField('raw_data')
    if as_constant:
        return small_model(helper.make_node('Constant', [], ['y'], value=tensor))
    return small_model(initializers=[tensor])


@pytest.mark.parametrize('as_constant', [False, True], ids=['initializer', 'attribute'])
@pytest.mark.parametrize(
    'location',
    ['/etc/passwd', '../secret', 'a/../../secret', '..', '.', '', 'C:\\secret', 'sub/weights'],
)
def test_weights_outside_the_folder_are_refused(tmp_path, location, as_constant):
    (tmp_path / 'sub').mkdir()
    (tmp_path / 'sub' / 'weights').write_bytes(bytes(16))
    with pytest.raises(UnsafeModel, match='expected a file beside it'):
        check(weights_in(location, tmp_path, as_constant=as_constant), tmp_path)


def test_weights_beside_the_file_are_let_in_unless_they_are_a_link_or_absent(
    tmp_path, detect_models
):
    model = onnx.load(detect_models.onnx)
    onnx.save_model(
        model, tmp_path / 'apart.onnx', save_as_external_data=True, location='apart.data'
    )
    assert (tmp_path / 'apart.data').stat().st_size > 1_000_000
    with Detector.open(tmp_path / 'apart.onnx', device='cpu') as detector:
        assert detector.task == 'detect'
    (tmp_path / 'apart.data').rename(tmp_path / 'elsewhere')
    with pytest.raises(BadModel, match=r'lacks apart\.data'):
        Detector.open(tmp_path / 'apart.onnx', device='cpu')
    (tmp_path / 'apart.data').symlink_to(tmp_path / 'elsewhere')
    with pytest.raises(UnsafeModel, match='not a plain file'):
        Detector.open(tmp_path / 'apart.onnx', device='cpu')


def test_what_is_not_an_onnx_file_is_a_sentence_whatever_it_is(tmp_path):
    random = np.random.default_rng(3)
    whole = small_model(initializers=[numpy_helper.from_array(np.ones(9), 'a')])
    content = whole.SerializeToString()
    for _ in range(2000):
        mutant = bytearray(content)
        for _ in range(int(random.integers(1, 4))):
            mutant[int(random.integers(len(mutant)))] = int(random.integers(256))
        try:
            check_onnx(bytes(mutant), path=tmp_path / 'mutant.onnx', folder=tmp_path)
        except (BadModel, UnsafeModel) as error:
            assert str(error).endswith('.')
    nested = b''
    for _ in range(300):  # a graph in an attribute of a node of a graph ...
        for tag in (b'\x32', b'\x2a', b'\x0a'):
            nested = tag + _length(nested) + nested
    with pytest.raises(BadModel, match='nested more than 32 levels'):
        check_onnx(b'\x3a' + _length(nested) + nested, path=tmp_path, folder=tmp_path)


def _length(content):
    value, encoded = len(content), bytearray()
    while True:
        encoded.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(encoded)


@pytest.mark.parametrize('suffix', ['.xml', '.bin'])
def test_an_openvino_folder_with_a_link_is_refused(tmp_path, detect_models, suffix):
    folder = tmp_path / 'linked_openvino_model'
    shutil.copytree(detect_models.openvino, folder)
    (file,) = folder.glob(f'*{suffix}')
    target = file.rename(tmp_path / file.name)
    file.symlink_to(target)
    with pytest.raises(BadModel, match='is a link'):
        Detector.open(folder, device='cpu')


def test_openvino_metadata_that_swells_is_refused(tmp_path, detect_models):
    folder = tmp_path / 'bomb_openvino_model'
    shutil.copytree(detect_models.openvino, folder)
    lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
    lines += [f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 9)}]' for n in range(1, 12)]
    (folder / 'metadata.yaml').write_text('\n'.join([*lines, 'names: *a11', 'task: detect']))
    with pytest.raises(BadModel, match='no readable metadata'):
        Detector.open(folder, device='cpu')


@pytest.mark.parametrize(
    ('changed', 'message'),
    [
        ({'imgsz': 10**9}, 'as imgsz'),
        ({'imgsz': '[640, -1]'}, 'as imgsz'),
        ({'imgsz': 'large'}, 'as imgsz'),
        ({'stride': 0}, 'as stride'),
        ({'stride': 'x'}, 'as stride'),
        ({'names': '(' * 100_000}, 'class names'),
        ({'names': {0: ['a']}}, 'class names'),
        ({'names': ['x' * 1000]}, 'class names'),
    ],
)
def test_metadata_with_odd_numbers_is_refused(tmp_path, changed, message):
    metadata = {'task': 'detect', 'names': ['a'], **changed}
    with pytest.raises(BadModel, match=message):
        ModelFacts.read(metadata, path=tmp_path / 'model.onnx', fixed=False)
