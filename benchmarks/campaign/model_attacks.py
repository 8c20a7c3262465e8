# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Malicious model files by family, written here and opened by `model_files`."""

from __future__ import annotations

import ctypes
import io
import json
import logging
import marshal
import multiprocessing
import os
import pickle
import runpy
import shutil
import socket
import subprocess
import timeit
import urllib.request
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, external_data_helper, helper, numpy_helper

from roof_detector.inference.package.building import finish_package
from roof_detector.inference.package.container import read_files, write_files
from roof_detector.inference.package.manifest import Manifest
from roof_detector.inference.quiet_ultralytics import import_quietly
from roof_detector.inference.shipped_weights import SHIPPED_WEIGHTS

_CODE = {
    'system': 'import os; os.system("touch {trap}")',
    'popen': 'import os; os.popen("touch {trap}").read()',
    'subprocess': 'import subprocess; subprocess.run(["touch", "{trap}"])',
    'spawn': 'import os; os.spawnv(0, "/usr/bin/touch", ["touch", "{trap}"])',
    'posix_spawn': 'import os; os.posix_spawn("/usr/bin/touch", ["touch", "{trap}"], dict())',
    'execv': 'import os; os.execv("/usr/bin/touch", ["touch", "{trap}"])',
    'fork': 'import os\nwhile 1: os.fork()',
    'multiprocessing': 'import multiprocessing as m; m.Process(target=print).start()',
    'pty': 'import pty; pty.spawn(["touch", "{trap}"])',
    'connect': 'import socket; socket.create_connection(("127.0.0.1", {port}))',
    'low connect': 'import _socket; _socket.socket().connect(("127.0.0.1", {port}))',
    'urllib': 'import urllib.request as u; u.urlopen("http://127.0.0.1:{port}/")',
    'abstract socket': 'import socket; socket.socket(socket.AF_UNIX).connect("\\0x")',
    'open': 'open("{trap}", "w")',
    'low open': 'import os; os.open("{trap}", 66)',
    'mkdir': 'import os; os.mkdir("{trap}")',
    'pathlib': 'import pathlib; pathlib.Path("{trap}").touch()',
    'numpy': 'import numpy; numpy.save("{trap}", 1)',
    'torch save': 'import torch; torch.save(1, "{trap}")',
    'symlink': 'import os; os.symlink("/etc/passwd", "{trap}")',
    'mkfifo': 'import os; os.mkfifo("{trap}")',
    'shutil': 'import shutil; shutil.copy("/etc/hostname", "{trap}")',
    'sqlite': 'import sqlite3; sqlite3.connect("{trap}").execute("create table a (b)")',
    'ctypes system': 'import ctypes; ctypes.CDLL(None).system(b"touch {trap}")',
    'ctypes creat': 'import ctypes; ctypes.CDLL(None).creat(b"{trap}", 511)',
    'runpy': 'import runpy; runpy.run_path("/etc/hostname")',
    'importlib': 'import importlib; importlib.import_module("os").mkdir("{trap}")',
    'operator': 'import operator as o, os; o.methodcaller("mkdir", "{trap}")(os)',
    'functools': 'import functools as f, os; f.partial(os.mkdir, "{trap}")()',
    'cpp extension': 'import torch.utils.cpp_extension as c; c.load_inline("a", "int a;")',
    'ultralytics': 'from ultralytics.utils.checks import check_requirements as c; c("x-y-z")',
    'kill parent': 'import os; os.kill(os.getppid(), 9)',
    'kill all': 'import os; os.kill(-1, 9)',
    'private file': 'open("/etc/shadow").read()',
    'thread': 'import threading; threading.Thread(target=print).start()',
    'disk': 'open("{trap}", "wb").write(bytes(10**9))',
    'memory by and by': 'a = []\nwhile 1: a.append(bytearray(10**7))',
    'recursion': 'import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()',
    'abort': 'import os; os.abort()',
    'exit': 'import os; os._exit(0)',
    'interrupt': 'raise KeyboardInterrupt',
}
# Those that end only at a limit of time.
_ENDLESS = {
    'loop': 'while True: pass',
    'loop in C': '7 ** 10**9',
    'sleep': 'import time; time.sleep(1000)',
    'signals': 'import signal; signal.pause()',
}


# What kind it is, what makes it (bytes, the files of a package, or a path), and how it is opened.
_Made = tuple[str, Callable[[], 'bytes | dict[str, bytes] | Path'], 'dict[str, Any]']


@dataclass(frozen=True, kw_only=True)
class Attack:
    """A file, and the backend to open it with. An `endless` one ends only by a time limit."""

    kind: str
    path: Path
    backend: str = 'auto'
    endless: bool = False
    may_be_read: bool = False  # it is only data to its readers, and must do no harm


class Calls:
    """An object that is pickled as a function call, which unpickling executes."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> Any:
        return self._call


class _HasState:
    """An object whose state is passed to the `__setstate__` of its class."""

    def __init__(self, kind: type, state: Any) -> None:
        self._parts = kind, state

    def __reduce__(self) -> Any:
        kind, state = self._parts
        return object.__new__, (kind,), state


def attacks(
    folder: Path, trap: Path, port: int, *, is_wanted: Callable[[Attack], bool]
) -> Iterator[Attack]:
    """Write the requested attack files into a folder, one by one.

    What they try is to make `trap`, to connect to `port` of loopback, to leave a process, to
    hang, to fill the memory.
    """
    for number, (kind, make, options) in enumerate(
        (
            *_pickles(trap, port),
            *_models(trap),
            *_containers(folder),
            *_packages(trap),
            *_graphs(folder),
            *_folders(folder, trap),
            *_other_paths(folder),
        )
    ):
        suffix = options.get('suffix', '.pt')
        attack = Attack(
            kind=kind,
            path=folder / f'{number}{suffix}',
            backend=options.get('backend', 'auto'),
            endless=options.get('endless', False),
            may_be_read=options.get('may_be_read', False),
        )
        if not is_wanted(attack):
            continue
        content = make()
        if isinstance(content, Path):
            yield replace(attack, path=content)
            continue
        if isinstance(content, bytes):
            attack.path.write_bytes(content)
        else:
            _write_package(attack.path, content)
        yield attack


def _write_package(path: Path, files: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def saved(value: Any) -> bytes:
    """Return the content of torch.save, with the standard pickle."""
    written = io.BytesIO()
    torch.save({'model': value}, written, pickle_module=pickle)
    return written.getvalue()


def torch_zip(content: bytes) -> bytes:
    """Return a torch file with the given pickle."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, 'w') as archive:
        archive.writestr('archive/data.pkl', content)
        archive.writestr('archive/byteorder', 'little')
        archive.writestr('archive/version', '3\n')
    return written.getvalue()


def _pickles(trap: Path, port: int) -> Iterator[_Made]:
    for codes, endless in ((_CODE, False), (_ENDLESS, True)):
        for name, code in codes.items():
            text = code.replace('{trap}', str(trap)).replace('{port}', str(port))
            yield f'code: {name}', partial(saved, Calls(exec, text)), {'endless': endless}
    touch, text = ['touch', str(trap)], str(trap)
    code = f'import os; os.mkdir({text!r})'
    rebuild = torch._tensor._rebuild_from_type_v2
    gadgets: dict[str, Any] = {
        '_rebuild_from_type_v2': Calls(rebuild, os.mkdir, torch.Tensor, (text,), {}),
        '_rebuild_from_type_v2 and exec': Calls(rebuild, exec, torch.Tensor, (code,), {}),
        'bound method of a path': Calls(Path(text).mkdir),
        'Popen': Calls(subprocess.Popen, touch),
        'method of bytes': Calls(bytes.__mul__, b'x', 2**45),
        'eval': Calls(eval, f'__import__("os").mkdir({text!r})'),
        'system': Calls(os.system, f'touch {text}'),
        'check_output': Calls(subprocess.check_output, touch),
        'runpy': Calls(runpy._run_code, code, {}),
        'timeit': Calls(timeit.timeit, code, 'pass', timeit.default_timer, 1),
        'file handler': Calls(logging.FileHandler, text),
        'copyfile': Calls(shutil.copyfile, '/etc/hostname', text),
        'urlopen': Calls(urllib.request.urlopen, f'http://127.0.0.1:{port}/'),
        'create_connection': Calls(socket.create_connection, ('127.0.0.1', port)),
        'shared library': Calls(ctypes.CDLL, '/etc/hostname'),
        'memory map': Calls(np.memmap, text, np.uint8, 'w+', 0, (4,)),
        'pickle in a pickle': Calls(pickle.loads, pickle.dumps(Calls(os.mkdir, text))),
        'marshalled code': Calls(
            exec, Calls(marshal.loads, marshal.dumps(compile(code, '', 'exec')))
        ),
        'torch.hub': Calls(torch.hub.download_url_to_file, f'http://127.0.0.1:{port}/', text),
        'method of a class by name': Calls(getattr, Path(text), 'mkdir'),
        'process': Calls(multiprocessing.Process, None, os.mkdir, None, (text,)),
        'map over a call': Calls(list, Calls(map, os.mkdir, [text])),
        'state of a module': _HasState(torch.nn.Module, {'_modules': Calls(os.mkdir, text)}),
        'bytearray(2**45)': Calls(bytearray, 2**45),
        'zeros of 2**45': Calls(torch.zeros, 2**45),
    }
    for name, gadget in gadgets.items():
        yield f'gadget: {name}', partial(saved, gadget), {}
    doublings = b'2\x86' * 60  # the top twice, and a pair of them
    for name, wrapped in (('zip', torch_zip), ('bare', bytes)):
        nested = wrapped(b'\x80\x02}X\x05\x00\x00\x00model})' + doublings + b'K\x01ss.')
        yield f'pickle: 60 doublings as a key, {name}', partial(bytes, nested), {'endless': True}
        by_text = wrapped(b'cos\nmkdir\n(V' + text.encode() + b'\ntR.')
        yield f'pickle: protocol 0, {name}', partial(bytes, by_text), {}
        wild = wrapped(b'\x80\x04\x95' + b'\xff' * 8 + b'.')
        yield f'pickle: a frame of 2**64 bytes, {name}', partial(bytes, wild), {}
        long = wrapped(b'\x80\x04\x8e' + (2**45).to_bytes(8, 'little') + b'.')
        yield f'pickle: bytes of 2**45, {name}', partial(bytes, long), {}
    yield 'pickle: 100,000 marks', partial(torch_zip, b'\x80\x02' + b'(' * 100_000 + b'.'), {}
    yield (
        'pickle: 100,000 lists in lists',
        partial(torch_zip, b'\x80\x02' + b']' * 10**5 + b'a' * 10**5),
        {},
    )
    yield 'pickle: memo of 2**31', partial(torch_zip, b'\x80\x02Nr\xff\xff\xff\x7f.'), {}
    yield 'pickle: persistent id', partial(torch_zip, b'\x80\x02X\x01\x00\x00\x00xQ.'), {}


def _models(trap: Path) -> Iterator[_Made]:
    call = f'__import__("os").mkdir({str(trap)!r})'
    for kind, keys, value in (
        ('activation', ['activation'], call),
        ('activation with a real one', ['activation'], f'nn.SiLU() if not {call} else 0'),
        ('evaluated argument', ['head', -1, 3], [call]),
        ('module by name', ['backbone', 0, 2], 'torchvision.os.system'),
    ):
        yield f'architecture: {kind}', partial(_model_with, keys, value), {}


def _model_with(keys: list[Any], value: Any) -> bytes:
    """Return a checkpoint of a real network with a changed architecture description."""
    tasks = import_quietly('ultralytics.nn.tasks')
    model = tasks.DetectionModel('yolo11n.yaml', nc=1, verbose=False)
    inner = model.yaml
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    return saved(model)


def _rebuilt(files: Mapping[str, bytes], **changed: bytes) -> dict[str, bytes]:
    """Return a package with changed files and matching hashes in the manifest."""
    inner = {name: one for name, one in files.items() if name != 'manifest.json'}
    changes = {name.replace('__', '.'): one for name, one in changed.items()}
    return finish_package({**inner, **changes}, Manifest.read(files['manifest.json']))


@cache
def _shipped() -> dict[str, bytes]:
    return read_files(SHIPPED_WEIGHTS / 'roof_anomalies.zip')


def _containers(folder: Path) -> Iterator[_Made]:
    """Yield zips that contain more than a package, or other files than they state."""

    def zipped(name: str | zipfile.ZipInfo, content: bytes) -> bytes:
        written = io.BytesIO((SHIPPED_WEIGHTS / 'roof_anomalies.zip').read_bytes())
        with warnings.catch_warnings(), zipfile.ZipFile(written, 'a') as archive:
            warnings.simplefilter('ignore')  # that a name is there already
            archive.writestr(name, content)
        return written.getvalue()

    def bomb() -> bytes:
        written = io.BytesIO()
        with zipfile.ZipFile(written, 'w', zipfile.ZIP_DEFLATED) as archive:
            archive.writestr('manifest.json', _shipped()['manifest.json'])
            archive.writestr('model.onnx', bytes(3 * 10**8))
        return written.getvalue()

    def lying_bomb() -> bytes:
        content = bomb()
        at = content.rfind(b'PK\x01\x02') + 24  # the size in the directory
        return content[:at] + (1000).to_bytes(4, 'little') + content[at + 4 :]

    link = zipfile.ZipInfo('golden_3.png')
    link.external_attr = 0o120777 << 16
    options = {'suffix': '.zip'}
    for name in ('../escape', '/tmp/escape', 'a/../../escape', '..\\escape', 'C:escape', 'a/b.c'):
        yield f'package: name {name}', partial(zipped, name, b'x'), options
    yield 'package: manifest twice', partial(zipped, 'manifest.json', b'{}'), options
    yield 'package: weights twice', partial(zipped, 'weights.safetensors', b'{}'), options
    yield 'package: link', partial(zipped, link, b'/etc/passwd'), options
    yield 'package: bomb', bomb, options
    yield 'package: bomb that lies about its size', lying_bomb, options


def _packages(trap: Path) -> Iterator[_Made]:
    """Yield packages with invalid file contents, mostly with matching hashes."""
    options = {'suffix': '.zip'}
    files = _shipped()
    manifest = json.loads(files['manifest.json'])
    for kind, name, value in (
        ('path in files', 'files', {**manifest['files'], '../../etc/passwd': {}}),
        ('absolute path', 'files', {'/etc/passwd': manifest['files']['model.onnx']}),
        ('odd name', 'name', '\x1b[2J' * 9),
        ('classes without end', 'class_names', ['a'] * 10**5),
        ('vast input', 'image_size_wh', [2**31, 2**31]),
        ('stride 0', 'strides', [0, 0, 0]),
    ):
        changed = {**files, 'manifest.json': json.dumps({**manifest, name: value}).encode()}
        yield f'package: manifest: {kind}', partial(dict, changed), options
    changed = {**files, 'manifest.json': b'[' * 10**5}
    yield 'package: manifest: nested', partial(dict, changed), options
    for name in ('model.onnx', 'weights.safetensors', 'architecture.yaml', 'golden.json'):
        changed = {**files, name: files[name][:-1] + b'~'}
        yield f'package: hash of {name}', partial(dict, changed), options
    options = {'suffix': '.zip', 'backend': 'torch'}  # other backends read neither
    real = files['architecture.yaml'].decode()
    for kind, text in (
        ('evaluated activation', f'{real}activation: __import__("os").mkdir({str(trap)!r})\n'),
        ('tag of Python', f'!!python/object/apply:os.mkdir ["{trap}"]\n'),
        ('aliases', 'a: &a [x, x]\n' + 'b: [*a, *a]\n' * 99),
        ('nested', '[' * 10**5),
        ('vast', real.replace('[64, 3, 2]', '[8192, 8192, 2]')),
        ('module by name', real.replace('Concat', 'torchvision.os.system')),
    ):
        make = partial(_rebuilt, files, architecture__yaml=text.encode())
        yield f'package: architecture: {kind}', make, options
    one = {'dtype': 'F32', 'shape': [1], 'data_offsets': [0, 4]}
    for kind, header in (
        ('gap', {'a': {**one, 'data_offsets': [4, 8]}}),
        ('vast', {'a': {**one, 'shape': [2**39]}}),
        ('overlap', {'a': one, 'b': one}),
        ('negative', {'a': {**one, 'shape': [-1, -1]}}),
        ('type', {'a': {**one, 'dtype': 'F4'}}),
    ):
        text = json.dumps(header)
        content = len(text).to_bytes(8, 'little') + text.encode() + bytes(8)
        make = partial(_rebuilt, files, weights__safetensors=content)
        yield f'package: tensors: {kind}', make, options
    content = (2**63).to_bytes(8, 'little') + b'{}'
    make = partial(_rebuilt, files, weights__safetensors=content)
    yield 'package: tensors: header of 2**63', make, options
    options = {'suffix': '.zip'}
    vast = bytearray(files['golden_1.png'])
    vast[16:24] = b'\x7f\xff\xff\xff' * 2
    make = partial(_rebuilt, files, golden_1__png=bytes(vast))
    yield 'package: golden image: vast', make, options
    options = {'suffix': '.zip', 'backend': 'onnxruntime'}
    for kind, graph in (*_onnx_files(), ('another network', _plain_graph())):
        yield f'package: ONNX: {kind}', partial(_rebuilt, files, model__onnx=graph), options


def _graph_of(*nodes: Any, initializers: Any = (), opsets: Any = ()) -> bytes:
    value = helper.make_tensor_value_info('x', TensorProto.FLOAT, [1, 3, 32, 32])
    answer = helper.make_tensor_value_info('y', TensorProto.FLOAT, [1, 3, 32, 32])
    nodes = nodes or (helper.make_node('Identity', ['x'], ['y']),)
    graph = helper.make_graph(list(nodes), 'g', [value], [answer], list(initializers))
    ids = [helper.make_opsetid('', 18), *(helper.make_opsetid(one, 1) for one in opsets)]
    model: bytes = helper.make_model(graph, opset_imports=ids, ir_version=9).SerializeToString()
    return model


def _plain_graph() -> bytes:
    return _graph_of()


def _onnx_files() -> Iterator[tuple[str, bytes]]:
    for location in ('../../../etc/passwd', '/etc/passwd', '..', 'a/../b', 'secret', '/dev/zero'):
        tensor = numpy_helper.from_array(np.ones(4, np.float32), 'w')
        external_data_helper.set_external_data(tensor, location)
        tensor.ClearField('raw_data')
        yield f'weights in {location}', _graph_of(initializers=[tensor])
    node = helper.make_node('Evil', ['x'], ['y'], domain='com.evil')
    yield 'custom domain', _graph_of(node, opsets=['com.evil'])
    node = helper.make_node('PyOp', ['x'], ['y'], domain='ai.onnx.contrib')
    yield 'operator of Python', _graph_of(node, opsets=['ai.onnx.contrib'])
    node = helper.make_node(
        'EPContext', ['x'], ['y'], domain='com.microsoft', ep_cache_context='/tmp/x.so'
    )
    yield 'machine code', _graph_of(node, opsets=['com.microsoft'])
    graph = onnx.load_from_string(_plain_graph())
    yield 'cut short', graph.SerializeToString()[:-9]


def _graphs(folder: Path) -> Iterator[_Made]:
    (folder / 'secret').symlink_to('/etc/passwd')
    for name, content in _onnx_files():
        yield f'ONNX: {name}', partial(bytes, content), {'suffix': '.onnx'}
    yield 'ONNX: not one', partial(bytes, b'\xff' * 10_000), {'suffix': '.onnx'}
    yield 'ONNX: no facts', _plain_graph, {'suffix': '.onnx'}
    yield 'program: TorchScript', _torchscript, {'suffix': '.torchscript'}
    yield 'program: TorchScript as a checkpoint', _torchscript, {}
    yield 'program: engine', partial(bytes, b'ftrt' + bytes(1000)), {'suffix': '.engine'}


def _torchscript() -> bytes:
    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # that torch.jit is deprecated
        torch.jit.save(torch.jit.script(torch.nn.Identity()), written)
    return written.getvalue()


_XML = """<?xml version="1.0"?>{head}
<net name="n" version="11"><layers>
<layer id="0" name="x" type="Parameter" version="opset1">
<data shape="1,3,32,32" element_type="f32"/>
<output><port id="0" precision="FP32"><dim>1</dim><dim>3</dim><dim>32</dim><dim>32</dim></port>
</output></layer>
<layer id="1" name="{name}" type="{type}" version="{opset}">
<data element_type="f32" shape="{shape}" offset="{offset}" size="{size}"/>
<output><port id="0" precision="FP32"><dim>1</dim></port></output></layer>
<layer id="2" name="y" type="Result" version="opset1">
<input><port id="0"><dim>1</dim></port></input></layer>
</layers><edges><edge from-layer="1" from-port="0" to-layer="2" to-port="0"/></edges></net>
"""


def _folders(folder: Path, trap: Path) -> Iterator[_Made]:
    good = {
        'head': '', 'name': 'c', 'type': 'Const', 'opset': 'opset1', 'shape': '1',
        'offset': '0', 'size': '4',
    }  # fmt: skip
    entity = '<!DOCTYPE net [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    swell = '<!DOCTYPE net [<!ENTITY a "aaaaaaaaaa">' + ''.join(
        f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(12)
    ) + ']>'  # fmt: skip
    for number, (kind, changes) in enumerate(
        (
            ('beyond its weights', {'offset': '99999999999', 'size': '4'}),
            ('more than its weights', {'size': str(2**45), 'shape': str(2**43)}),
            ('negative offset', {'offset': '-4096', 'size': '4'}),
            ('path for an offset', {'offset': '../../../etc/passwd'}),
            ('name with a path', {'name': '../../../../etc/passwd'}),
            ('entity of a file', {'head': entity, 'name': '&e;'}),
            ('entities that swell', {'head': swell, 'name': '&m;'}),
            ('custom operator', {'type': 'Evil', 'opset': 'extension'}),
            ('operator of a library', {'type': 'Evil', 'opset': str(trap) + '.so'}),
            ('another network', {}),
        )
    ):
        inner = folder / f'{number}_openvino_model'
        inner.mkdir()
        (inner / 'model.xml').write_text(_XML.format(**{**good, **changes}))
        (inner / 'model.bin').write_bytes(bytes(16))
        (inner / 'metadata.yaml').write_text(
            'names: {0: a}\ntask: detect\nstride: 32\nimgsz: 32\n'
        )
        # Names are names, and entities of XML are not expanded.
        harmless = kind in ('name with a path', 'entity of a file', 'entities that swell')
        may_be_read = harmless or kind == 'another network'
        yield f'OpenVINO: {kind}', partial(Path, inner), {'may_be_read': may_be_read}
    for name in ('model.xml', 'model.bin', 'metadata.yaml'):
        inner = folder / f'linked {name} openvino_model'
        shutil.copytree(folder / '9_openvino_model', inner)
        (inner / name).unlink()
        (inner / name).symlink_to('/etc/passwd')
        yield f'OpenVINO: link for {name}', partial(Path, inner), {}
    tag = folder / 'tag_openvino_model'
    shutil.copytree(folder / '9_openvino_model', tag)
    (tag / 'metadata.yaml').write_text(f'!!python/object/apply:os.mkdir ["{trap}"]\n')
    yield 'OpenVINO: metadata with a tag of Python', partial(Path, tag), {}
    for name in ('link', 'pipe', 'folder'):
        yield f'package: folder with a {name}', partial(_folder_with, name, folder), {}


def _folder_with(kind: str, folder: Path) -> Path:
    inner = folder / f'package with a {kind}'
    inner.mkdir()
    write_files(inner, _shipped())
    odd = inner / 'golden_3.png'
    if kind == 'link':
        odd.symlink_to('/etc/passwd')
    elif kind == 'pipe':
        os.mkfifo(odd)
    else:
        odd.mkdir()
    return inner


def _other_paths(folder: Path) -> Iterator[_Made]:
    for suffix in ('.pt', '.zip', '.onnx'):
        pipe, device, inner, sparse = (
            folder / f'odd {name}{suffix}' for name in ('pipe', 'device', 'folder', 'sparse')
        )
        os.mkfifo(pipe)
        device.symlink_to('/dev/zero')
        inner.mkdir()
        with sparse.open('wb') as file:
            file.truncate(2**40)
        for path in (pipe, device, inner, sparse):
            yield f'path: {path.name[4:]}', partial(Path, path), {}
