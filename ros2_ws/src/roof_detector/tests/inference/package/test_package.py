# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Model packages: what is read, what is refused, and that they answer as they must."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import yaml
from onnx import TensorProto, helper

from roof_detector.inference.detector import Detector
from roof_detector.inference.errors import BadModel, InferenceError, UnsafeModel
from roof_detector.inference.model_file import open_backend
from roof_detector.inference.model_hash import hash_model
from roof_detector.inference.package.building import finish_package
from roof_detector.inference.package.checkpoint_package import package_of
from roof_detector.inference.package.container import read_files, write_files, write_zip
from roof_detector.inference.package.manifest import Manifest
from roof_detector.inference.package.model_package import ModelPackage
from roof_detector.inference.package.scale import with_metres_per_pixel
from roof_detector.inference.package.signature import make_key, sign_package, verify_package
from roof_detector.inference.shipped_weights import resolve_model, shipped_models
from roof_detector.vision.thresholds import Thresholds


@pytest.fixture(scope='module')
def shipped():
    """Return the files of a shipped package by name."""
    return read_files(resolve_model('roof_anomalies'))


@pytest.fixture(scope='module')
def manifest(shipped):
    return json.loads(shipped['manifest.json'])


def written(tmp_path, files, name='model.zip'):
    # As write_zip does, but without waiting for the disk.
    (tmp_path / name).write_bytes(zip_of(files.items()))
    return tmp_path / name


def rebuilt(files, **changed):
    """Return a package whose files were changed and whose manifest says so, as an attacker can."""
    inner = {name: one for name, one in files.items() if name != 'manifest.json'} | {
        name.replace('__', '.'): one for name, one in changed.items()
    }
    return finish_package(inner, Manifest.read(files['manifest.json']))


def with_manifest(package, **values):
    changed = {**json.loads(package['manifest.json']), **values}
    return {**package, 'manifest.json': json.dumps(changed).encode()}


def zip_of(entries, **options):
    """Return the bytes of a zip of pairs of name or ZipInfo and content, whatever they are."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, 'w', **options) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return held.getvalue()


@pytest.mark.parametrize('name', shipped_models())
@pytest.mark.parametrize('backend', ['torch', 'onnxruntime', 'openvino'])
def test_a_shipped_package_answers_its_golden_images_on_every_backend(name, backend):
    with Detector.open(resolve_model(name), device='cpu', backend=backend) as detector:
        assert detector.backend == backend
        assert detector.model_hash == ModelPackage.open(resolve_model(name)).sha256
        assert 'as it is' in detector.choice.sentence


def test_a_shipped_package_says_what_it_is_and_finds_something_on_its_golden_images():
    for name in shipped_models():
        package = ModelPackage.open(resolve_model(name))
        assert package.manifest.name == name
        assert package.manifest.precision == 'f16'
        assert package.manifest.training['roof_detector']['class_names']
        assert len(package.golden) == 2
        assert sum(len(one.detections) for one in package.golden) > 0


def test_a_folder_and_a_zip_of_one_package_are_one_model(tmp_path, shipped, roof_bgr):
    write_files(tmp_path, shipped)
    zipped = resolve_model('roof_anomalies')
    assert hash_model(tmp_path) == hash_model(zipped)
    found = []
    for path in (tmp_path, zipped):
        with Detector.open(path, device='cpu', image_size=320, backend='onnxruntime') as detector:
            assert detector.model_hash == hash_model(zipped)
            found.append(detector.detect(roof_bgr, Thresholds(confidence=1e-4)))
    assert len(found[0]) > 0
    assert np.array_equal(found[0].boxes_xyxy, found[1].boxes_xyxy)


READS = """
import sys
import builtins, pickle
from roof_detector.inference.detector import Detector

def refuse(*_, **__):
    raise AssertionError('something was unpickled')

for name in ('load', 'loads', 'Unpickler'):
    setattr(pickle, name, refuse)
if sys.argv[1] == 'torch':
    import torch
    torch.load = torch.jit.load = refuse
with Detector.open(sys.argv[2], device='cpu', backend=sys.argv[1]) as detector:
    print(detector.backend, 'torch' in sys.modules)
"""


@pytest.mark.parametrize(('backend', 'torch_too'), [('torch', True), ('onnxruntime', False)])
def test_opening_a_package_unpickles_nothing_and_onnx_needs_no_torch(backend, torch_too):
    path = str(resolve_model('roofs'))
    done = subprocess.run(
        [sys.executable, '-c', READS, backend, path],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
    )
    assert done.stdout.split() == [backend, str(torch_too)], done.stderr


@pytest.mark.parametrize('name', ['manifest.json', 'model.onnx', 'weights.safetensors',
                                  'architecture.yaml', 'golden.json', 'golden_1.png'])  # fmt: skip
def test_a_file_that_was_changed_or_is_missing_is_refused(tmp_path, shipped, name):
    content = bytearray(shipped[name])
    content[len(content) // 2] ^= 1
    with pytest.raises(BadModel):
        ModelPackage.open(written(tmp_path, {**shipped, name: bytes(content)}))
    fewer = {key: one for key, one in shipped.items() if key != name}
    with pytest.raises(BadModel):
        ModelPackage.open(written(tmp_path, fewer))


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'format': 'zoo'}, 'lacks the format'),
        ({'format_version': 2}, "format version '2'"),
        ({'format_version': True}, 'format version'),
        ({'extra': 1}, "unknown key 'extra'"),
        ({'task': 'pose'}, "'pose' as task"),
        ({'class_names': []}, 'no list of 1 to'),
        ({'class_names': ['a', 'a']}, 'more than once'),
        ({'class_names': ['a\x1b[2J']}, 'printable'),
        ({'class_names': ['x' * 201]}, 'printable'),
        ({'strides': [0]}, "'0' in strides"),
        ({'strides': [8.0]}, 'in strides'),
        ({'image_size_wh': [640, 10**9]}, 'in image_size_wh'),
        ({'image_size_wh': [640, 650]}, 'multiples of the stride'),
        ({'precision': 'f64'}, "'f64' as precision"),
        ({'preprocessing': {'colours': 'BGR'}}, 'preprocessing that is not done here'),
        ({'name': ''}, 'printable'),
        ({'training': [1]}, 'no object as training'),
        ({'files': {}}, 'lists no model.onnx'),
        ({'files': {'../model.onnx': {}}}, 'has no place'),
    ],
)
def test_a_manifest_that_says_something_odd_is_refused(tmp_path, shipped, values, message):
    with pytest.raises(BadModel, match=message):
        ModelPackage.open(written(tmp_path, with_manifest(shipped, **values)))


@pytest.mark.parametrize(
    'content',
    [
        b'',
        b'[]',
        b'{"format": NaN}',
        b'{"a": 1, "a": 2}',
        b'[' * 100_000,
        b'{"a":' * 50 + b'1' + b'}' * 50,
        b'9' * 5000,
        b'\xff\xfe',
        b' ' * (1 << 20) + b'{}',
    ],
    ids=['empty', 'list', 'NaN', 'twice', 'deep list', 'deep', 'number', 'not UTF-8', 'large'],
)
def test_a_manifest_that_is_not_plain_json_is_refused(tmp_path, shipped, content):
    with pytest.raises(BadModel):
        ModelPackage.open(written(tmp_path, {**shipped, 'manifest.json': content}))


def test_a_folder_with_links_pipes_folders_or_other_files_is_refused(tmp_path, shipped):
    secret = tmp_path / 'secret'
    secret.write_bytes(shipped['model.onnx'])
    for number, spoil in enumerate(
        (
            lambda folder: (folder / 'model.onnx').symlink_to(secret),
            lambda folder: os.mkfifo(folder / 'model.onnx'),
            lambda folder: (folder / 'model.onnx').mkdir(),
        )
    ):
        folder = tmp_path / f'package_{number}'
        folder.mkdir()
        write_files(folder, {name: one for name, one in shipped.items() if name != 'model.onnx'})
        spoil(folder)
        with pytest.raises(BadModel):
            ModelPackage.open(folder)
    folder = tmp_path / 'with_more'
    folder.mkdir()
    write_files(folder, {**shipped, 'notes.txt': b'hello'})
    with pytest.raises(BadModel, match='has no place'):
        ModelPackage.open(folder)


@pytest.mark.parametrize(
    'name',
    ['../model.onnx', '/etc/passwd', 'a/model.onnx', 'a\\model.onnx', 'Model.onnx', 'model.onnx/',
     'model.onnx\x00.png', 'golden_9.png', 'weights.pt', '..', ''],
)  # fmt: skip
def test_a_zip_with_another_name_in_it_is_refused(tmp_path, shipped, name):
    path = tmp_path / 'odd.zip'
    path.write_bytes(zip_of([*shipped.items(), (zipfile.ZipInfo(name or ' '), b'x')]))
    with pytest.raises(BadModel):
        ModelPackage.open(path)


def test_a_zip_with_a_file_twice_a_link_or_a_password_is_refused(tmp_path, shipped):
    path = tmp_path / 'odd.zip'
    with pytest.warns(UserWarning, match='Duplicate'):
        path.write_bytes(zip_of([*shipped.items(), ('model.onnx', b'other')]))
    with pytest.raises(BadModel, match='twice'):
        ModelPackage.open(path)
    link = zipfile.ZipInfo('model.onnx')
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    others = [(name, one) for name, one in shipped.items() if name != 'model.onnx']
    path.write_bytes(zip_of([*others, (link, b'/etc/passwd')]))
    with pytest.raises(BadModel, match='as a link'):
        ModelPackage.open(path)
    content = bytearray(zip_of(shipped.items()))
    entry = content.rindex(b'PK\x01\x02')
    content[entry + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(BadModel, match='encrypted'):
        ModelPackage.open(path)


def test_a_zip_that_swells_is_refused_before_it_does(tmp_path, shipped):
    path = tmp_path / 'bomb.zip'
    bomb = zip_of(
        [('model.onnx', bytes(1 << 28)), ('manifest.json', shipped['manifest.json'])],
        compression=zipfile.ZIP_DEFLATED,
    )
    path.write_bytes(bomb)
    with pytest.raises(BadModel, match=r'packed to less than 1/100'):
        ModelPackage.open(path)
    # One that lies about its size ends where it said that it would.
    at = bomb.index(b'PK\x01\x02')
    lying = bytearray(bomb)
    struct.pack_into('<I', lying, at + 24, 5000)
    struct.pack_into('<I', lying, 22, 5000)
    path.write_bytes(lying)
    with pytest.raises(BadModel):
        ModelPackage.open(path)


def test_a_zip_with_a_directory_without_end_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / 'many.zip'
    entries = 65_000
    path.write_bytes(
        b'\0' * (1 << 22)
        + struct.pack('<4sHHHHIIH', b'PK\5\6', 0, 0, entries, entries, 1 << 22, 0, 0)
    )
    with pytest.raises(BadModel, match='holds 65000 files'):
        ModelPackage.open(path)
    path.write_bytes(zip_of((f'{n}.txt', b'') for n in range(40)))
    with pytest.raises(BadModel, match='holds 40 files'):
        ModelPackage.open(path)


@pytest.mark.parametrize('part', [0.0, 0.001, 0.5, 0.999])
def test_a_zip_cut_short_is_refused(tmp_path, part):
    whole = resolve_model('roofs').read_bytes()
    path = tmp_path / 'cut.zip'
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(BadModel):
        Detector.open(path, device='cpu')


def test_a_package_with_the_weights_of_another_network_fails_its_self_test(tmp_path, shipped):
    tensors = safetensors.torch.load(shipped['weights.safetensors'])
    name = 'model.4.cv1.conv.weight'
    tensors[name] = tensors[name].roll(1, dims=0)
    changed = rebuilt(shipped, weights__safetensors=safetensors.torch.save(tensors))
    path = written(tmp_path, changed)
    with pytest.raises(BadModel, match=r'fails its self-test with torch on cpu in f32: on golden'):
        Detector.open(path, device='cpu', backend='torch')
    with Detector.open(path, device='cpu', backend='onnxruntime') as detector:
        assert detector.backend == 'onnxruntime'  # its other form of the weights is whole
    package = ModelPackage.open(resolve_model('roof_anomalies'))
    other = ModelPackage.open(resolve_model('roofs'))
    foreign = open_backend(other.path, backend='onnxruntime', device='cpu', package=other)
    with pytest.raises(BadModel, match='fails its self-test with onnxruntime'):
        replace(package, golden=package.golden).self_test(foreign)


@pytest.mark.parametrize('damage', ['fixed size', 'name of a side'])
def test_a_graph_that_cannot_be_run_ends_in_one_sentence(tmp_path, shipped, damage):
    sides = [1, 3, 32, 32] if damage == 'fixed size' else ['qqqq', 3, 'h', 'w']
    x, y = (helper.make_tensor_value_info(one, TensorProto.FLOAT, sides) for one in 'xy')
    graph = helper.make_graph([helper.make_node('Identity', ['x'], ['y'])], 'g', [x], [y])
    imports = [helper.make_opsetid('', 18)]
    content = helper.make_model(graph, opset_imports=imports, ir_version=9).SerializeToString()
    content = content.replace(b'qqqq', b'qq\x8bq')
    path = written(tmp_path, rebuilt(shipped, model__onnx=content))
    with pytest.raises(BadModel) as raised:
        Detector.open(path, device='cpu', backend='onnxruntime')
    assert '\n' not in str(raised.value)
    assert str(raised.value).startswith(str(path))


@pytest.mark.parametrize(
    'change',
    [
        lambda one: one['head'][-1].__setitem__(2, 'eval'),
        lambda one: one['head'][-1].__setitem__(3, ["__import__('os')"]),
        lambda one: one.__setitem__('activation', "open('trap', 'w').close()"),
        lambda one: one['backbone'][0].__setitem__(3, [8192, 8000, 1]),
        lambda one: one['backbone'][0].__setitem__(1, 100),
        lambda one: one.__setitem__('nc', 6),
    ],
    ids=['module', 'argument', 'activation', 'large', 'many', 'classes'],
)
def test_an_architecture_that_is_not_that_of_the_weights_is_refused_and_runs_nothing(
    tmp_path, shipped, monkeypatch, change
):
    monkeypatch.chdir(tmp_path)
    architecture = yaml.safe_load(shipped['architecture.yaml'])
    change(architecture)
    content = yaml.safe_dump(architecture).encode()
    path = written(tmp_path, rebuilt(shipped, architecture__yaml=content))
    with pytest.raises(BadModel):
        Detector.open(path, device='cpu', backend='torch')
    assert [one.name for one in tmp_path.iterdir()] == ['model.zip']


@pytest.mark.parametrize(
    'number', ['9' * 400, '-' + '9' * 400, '0x' + 'f' * 9000, '.nan', '1e999']
)
def test_a_number_that_nothing_holds_is_refused_in_an_architecture(tmp_path, shipped, number):
    real = shipped['architecture.yaml'].decode()
    for row in (f'[{number}, 3, 2]', f'[64, {number}, 2]'):
        content = real.replace('[64, 3, 2]', row)
        assert content != real
        path = written(tmp_path, rebuilt(shipped, architecture__yaml=content.encode()))
        with pytest.raises(BadModel, match=r'has the argument|more than 64 bits'):
            Detector.open(path, device='cpu', backend='torch')


@pytest.mark.parametrize(
    'content',
    [
        b'!!python/object/apply:os.system ["touch trap"]',
        b'a: &a [1]\nb: [*a, *a]',
        b'[' * 200_000,
        b'\xff',
        b'- just a list',
    ],
    ids=['tag', 'alias', 'deep', 'not UTF-8', 'list'],
)
def test_an_architecture_that_is_not_plain_yaml_is_refused(
    tmp_path, shipped, monkeypatch, content
):
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path, rebuilt(shipped, architecture__yaml=content))
    with pytest.raises(BadModel):
        Detector.open(path, device='cpu', backend='torch')
    assert not (tmp_path / 'trap').exists()


@pytest.mark.parametrize(
    'golden',
    [
        lambda one: one['images'][0].__setitem__('image', '../golden_1.png'),
        lambda one: one['images'].pop(),
        lambda one: one['images'][0]['anchors'][0].__setitem__('index', 10**6),
        lambda one: one['images'][0]['anchors'][0].__setitem__('score', 'much'),
        lambda one: one['images'][0]['anchors'][0].update(score=0.5, confidence=0.5),
        lambda one: one['images'][0]['detections'][0].__setitem__('class_name', 'cat'),
        lambda one: one.__setitem__('format_version', 7),
    ],
    ids=['path', 'too few', 'index', 'score', 'both names', 'class', 'version'],
)
def test_golden_answers_that_say_something_odd_are_refused(tmp_path, shipped, golden):
    values = json.loads(shipped['golden.json'])
    golden(values)
    changed = rebuilt(shipped, golden__json=json.dumps(values).encode())
    with pytest.raises(BadModel, match=r'golden\.json is not as it must be'):
        ModelPackage.open(written(tmp_path, changed))


def tensor_file(header, data=b''):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, 'little') + text + data


_TENSOR = {'dtype': 'F32', 'shape': [1], 'data_offsets': [0, 4]}


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        ((2**62).to_bytes(8, 'little') + b'{}', 'says that its header has'),
        (tensor_file(b'[' * 100_000), 'has a header that is not JSON'),
        (tensor_file(b'{"a":1,"a":1}'), 'has a header that is not JSON'),
        (tensor_file({'a': _TENSOR | {'shape': [2**39]}}, bytes(4)), "gives 'a' .* bytes for its"),
        (tensor_file({'a': _TENSOR | {'dtype': 'C64'}}, bytes(4)), "has 'a' of the type"),
        (tensor_file({'a': _TENSOR, 'b': _TENSOR}, bytes(4)), 'leaves a gap or an overlap'),
        (
            tensor_file({'a': _TENSOR | {'data_offsets': [4, 8]}}, bytes(8)),
            'leaves a gap or an overlap',
        ),
        (tensor_file({'a': _TENSOR}, bytes(400)), 'describes 4 bytes of 400'),
        (tensor_file({'../a': _TENSOR}, bytes(4)), 'has a tensor named'),
    ],
    ids=['long', 'nested', 'twice', 'vast', 'type', 'overlap', 'gap', 'rest', 'name'],
)
def test_weights_whose_header_lies_are_refused_before_they_are_read(
    tmp_path, shipped, content, said
):
    path = written(tmp_path, rebuilt(shipped, weights__safetensors=content))
    with pytest.raises(BadModel, match=f'weights.safetensors {said}'):
        Detector.open(path, device='cpu', backend='torch')


@pytest.mark.parametrize('name', ['odd.pt', 'odd.zip', 'odd.onnx'])
def test_a_pipe_is_no_model_and_is_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(BadModel):
        hash_model(tmp_path / name)
    if name == 'odd.zip':
        with pytest.raises(BadModel, match='is not a plain file'):
            ModelPackage.open(tmp_path / name)


def test_a_golden_image_of_vast_size_is_refused_before_it_is_decoded(tmp_path, shipped):
    def chunk(kind, content):
        body = kind + content
        return struct.pack('>I', len(content)) + body + struct.pack('>I', zlib.crc32(body))

    header = struct.pack('>IIBBBBB', 60_000, 60_000, 8, 2, 0, 0, 0)
    image = (
        b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', b'') + chunk(b'IEND', b'')
    )
    path = written(tmp_path, rebuilt(shipped, golden_1__png=image))
    with pytest.raises(BadModel, match='not a PNG of at most'):
        Detector.open(path, device='cpu', backend='onnxruntime')


@pytest.fixture(scope='module')
def keys(tmp_path_factory):
    return make_key(tmp_path_factory.mktemp('keys'))


@pytest.mark.parametrize('form', ['zip', 'folder'])
def test_a_signed_package_is_flown_and_any_other_is_not(tmp_path, shipped, keys, form):
    private, public = keys
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    path = tmp_path / ('model.zip' if form == 'zip' else 'model')
    if form == 'zip':
        write_zip(path, shipped)
    else:
        path.mkdir()
        write_files(path, shipped)
    options = {'device': 'cpu', 'backend': 'onnxruntime', 'model_key': public}
    with pytest.raises(UnsafeModel, match='is not signed'):
        Detector.open(path, **options)
    sign_package(path, private_key=private)
    with Detector.open(path, **options) as detector:
        assert detector.model_hash == hash_model(resolve_model('roof_anomalies'))
    _, foreign = make_key(tmp_path / 'foreign')
    with pytest.raises(UnsafeModel, match='is refused: its signature'):
        Detector.open(path, **{**options, 'model_key': foreign})
    with pytest.raises(InferenceError, match='does not exist'):
        Detector.open(path, **{**options, 'model_key': tmp_path / 'absent.pub'})


def test_a_signature_of_other_contents_is_refused(tmp_path, shipped, keys):
    private, public = keys
    path = written(tmp_path, shipped)
    sign_package(path, private_key=private)
    signature = read_files(path)['signature.json']
    other = {**read_files(resolve_model('roofs')), 'signature.json': signature}
    package = ModelPackage.open(written(tmp_path, other, 'other.zip'))
    with pytest.raises(UnsafeModel, match='is refused: its signature'):
        verify_package(package, public_key=public)
    broken = {**shipped, 'signature.json': b'{"mediaType": "x"}'}
    with pytest.raises(UnsafeModel, match='is refused: its signature'):
        verify_package(ModelPackage.open(written(tmp_path, broken)), public_key=public)


def test_where_a_key_is_asked_for_no_other_kind_of_file_is_opened(tmp_path, keys, detect_models):
    for path in (detect_models.pt, detect_models.onnx, detect_models.openvino):
        with pytest.raises(UnsafeModel, match='only model packages can be signed'):
            Detector.open(path, device='cpu', model_key=keys[1])
    assert not (tmp_path / 'cache').exists()


def test_the_own_command_of_model_signing_takes_our_signature(tmp_path, shipped, keys):
    private, public = keys
    path = written(tmp_path, shipped)
    sign_package(path, private_key=private)
    folder = tmp_path / 'unpacked'
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    signature = (folder / 'signature.json').rename(tmp_path / 'signature.json')
    done = subprocess.run(
        [
            sys.executable, '-m', 'model_signing', 'verify', 'key', str(folder),
            '--signature', str(signature), '--public_key', str(public),
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_checkpoint_is_imported_once_and_its_package_found_by_its_contents(
    tmp_path, detect_pt, monkeypatch
):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    first = package_of(detect_pt)
    assert first.path.parent == tmp_path / 'roof_detector' / 'models'
    assert first.manifest.source['sha256'] == hashlib.sha256(detect_pt.read_bytes()).hexdigest()
    made = first.path.stat()
    copy = tmp_path / 'renamed.pt'
    copy.write_bytes(detect_pt.read_bytes())
    assert package_of(copy).sha256 == first.sha256
    assert first.path.stat().st_mtime_ns == made.st_mtime_ns
    first.path.write_bytes(b'damaged')
    assert package_of(copy).manifest.class_names == first.manifest.class_names
    with Detector.open(detect_pt, device='cpu') as detector:
        assert detector.model_path == detect_pt
        assert detector.model_hash == hash_model(detect_pt)


def test_the_scale_of_training_is_optional_and_checked(shipped):
    manifest = replace(Manifest.read(shipped['manifest.json']), metres_per_pixel=None, classes={})
    assert b'metres_per_pixel' not in manifest.as_bytes()
    known = replace(manifest, metres_per_pixel=(0.01, 0.08))
    assert Manifest.read(known.as_bytes()) == known
    for wrong in ([0.08, 0.01], [0.0, 1.0], [0.1], 'x', None, [True, 2], [0.1, 1e9]):
        with pytest.raises(BadModel, match='as metres_per_pixel, expected the lowest and the'):
            Manifest.read(with_manifest(shipped, metres_per_pixel=wrong)['manifest.json'])


def test_a_package_with_its_scale_opens_with_it_and_loses_a_signature(shipped, tmp_path):
    scaled = with_metres_per_pixel({**shipped, 'signature.json': b'{}'}, (0.02, 0.05))
    assert 'signature.json' not in scaled
    with Detector.open(written(tmp_path, scaled), device='cpu', backend='onnxruntime') as detector:
        assert detector.metres_per_pixel == (0.02, 0.05)


@pytest.mark.parametrize('name', shipped_models())
def test_shipped_packages_state_the_scale_of_their_training(name):
    low_m, high_m = ModelPackage.open(resolve_model(name)).manifest.metres_per_pixel
    assert 0.005 < low_m < 0.05 < high_m < 0.3
