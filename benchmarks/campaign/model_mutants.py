# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Mutants of real packages and checkpoints, and of attacks: made and opened by worker processes.

Most bytes of a model are weights, which may be anything. So most mutants change what surrounds
them, and the hash above it, as the author of such a file can.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import tempfile
import time
import zipfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.campaign.model_attacks import Calls, saved
from roof_detector.inference.errors import InferenceError
from roof_detector.inference.importing.imported_checkpoint import import_checkpoint
from roof_detector.inference.model_file import open_backend
from roof_detector.inference.package.container import read_files, write_files
from roof_detector.inference.package.model_package import ModelPackage
from roof_detector.inference.package.network import open_network
from roof_detector.inference.quiet_ultralytics import import_quietly
from roof_detector.inference.shipped_weights import SHIPPED_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WITHIN_S = 30.0
MOST_WORDS = 1000
# How many of each kind a full run tries: the more, the less one costs.
FULL = {
    'checkpoint, any byte': 700,
    'checkpoint, its pickle': 700,
    'attack, its pickle': 300,
    'package, its ONNX file, hashes right': 150,
    'package, its architecture, hashes right': 600,
    'package, header of its weights, hashes right': 1200,
    'package, its golden answers, hashes right': 1000,
    'package, its manifest': 2400,
    'package, any byte': 3000,
}
SHORT = {
    'checkpoint, its pickle': 2,
    'attack, its pickle': 2,
    'package, its architecture, hashes right': 2,
    'package, header of its weights, hashes right': 5,
    'package, its golden answers, hashes right': 5,
    'package, its manifest': 20,
    'package, any byte': 20,
}
_CHUNK = 50
_ODD_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**63, 2**200, 1e308, -0.0, '', 'a' * 5000, '../../etc/passwd',
    '/dev/zero', '\x00', '\ud800', '\x1b[2J', '{}', [], {}, [[]], [0] * 1000, {'a': {'a': {}}},
)  # fmt: skip
_ODD_TEXTS = (
    b'1e999', b'-1', b'9' * 400, b'[' * 3000, b'{' * 3000, b'\x00', b'\xff\xfe', b'NaN', b'"',
    b'!!python/object/apply:os.getpid []', b'&a [*a]', b'*a', b'? ', b'%YAML 9.9\n', b'nn.Module',
    b'\\ud800', b'__import__("os")', b'8192', b'0',
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MutantBatch:
    """Some mutants of one kind. Mutants of attacks try to reach `trap` and `port`."""

    kind: str
    count: int
    seed: str
    trap: str
    port: int
    within_s: float


@dataclass(kw_only=True)
class ChunkOutcome:
    """The outcome of a chunk of mutants."""

    kind: str
    refused: int = 0
    read: int = 0
    problems: list[str] = field(default_factory=list)
    longest_s: float = 0.0
    seconds: float = 0.0


def chunks(
    amounts: dict[str, int], *, seed: int, trap: Path, port: int, within_s: float
) -> Iterator[MutantBatch]:
    """Split numbers of mutants into chunks for the workers."""
    for kind, amount in amounts.items():
        for begin in range(0, amount, _CHUNK):
            count = min(_CHUNK, amount - begin)
            yield MutantBatch(
                kind=kind,
                count=count,
                seed=f'{seed} {kind} {begin}',
                trap=str(trap),
                port=port,
                within_s=within_s,
            )


def try_chunk(chunk: MutantBatch) -> ChunkOutcome:
    """Make and open the mutants of a chunk, and judge the outcomes."""
    chance = random.Random(chunk.seed)
    outcome = ChunkOutcome(kind=chunk.kind)
    folder = Path(tempfile.mkdtemp(prefix='roof_detector-mutants-'))
    chunk_began_s = time.monotonic()
    try:
        make = _maker(chunk, folder)
        for number in range(chunk.count):
            read = make(chance)
            began_s, problem = time.monotonic(), ''
            try:
                read()
                outcome.read += 1
            except InferenceError as error:
                outcome.refused += 1
                if '\n' in str(error) or len(str(error)) > MOST_WORDS:
                    problem = f'is no sentence: {str(error)[:200]!r}'
            except BaseException as error:
                problem = f'ended in {type(error).__name__}: {str(error)[:200]}'
            took_s = time.monotonic() - began_s
            outcome.longest_s = max(outcome.longest_s, took_s)
            if took_s > chunk.within_s:
                problem = problem or f'took {took_s:.1f} s'
            if problem:
                outcome.problems.append(f'{number} of {chunk.seed!r} {problem}')
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    outcome.seconds = time.monotonic() - chunk_began_s
    return outcome


def _maker(chunk: MutantBatch, folder: Path) -> Callable[[random.Random], Callable[[], object]]:
    """Return a function that makes one mutant and returns how to open it."""
    kind = chunk.kind.partition(',')[2].strip()
    if chunk.kind.startswith('package'):
        if kind in _MEMBERS:
            return _member(folder, *_MEMBERS[kind])
        return _any_byte(folder)
    evil = _evil(chunk.trap, chunk.port) if chunk.kind.startswith('attack') else []
    change = _changed_bytes if kind == 'any byte' else _changed_pickle
    return lambda chance: _checkpoint(
        folder, change(chance.choice(evil) if evil else _real_checkpoint(), chance)
    )


def _open(folder: Path) -> object:
    return ModelPackage.open(folder)


def _open_network(folder: Path) -> object:
    return open_network(ModelPackage.open(folder))


def _self_test(folder: Path) -> object:
    package = ModelPackage.open(folder)
    backend = open_backend(folder, backend='onnxruntime', device='cpu', threads=1, package=package)
    try:
        package.self_test(backend)
    finally:
        backend.close()
    return package


def _any_byte(folder: Path) -> Callable[[random.Random], Callable[[], object]]:
    paths = []
    for number, shipped in enumerate(sorted(SHIPPED_WEIGHTS.glob('*.zip'))):
        paths.append(folder / f'{number}.zip')
        shutil.copyfile(shipped, paths[-1])
    undo: list[tuple[Path, int, bytes]] = []

    def make(chance: random.Random) -> Callable[[], object]:
        for path, at, before in reversed(undo):
            _write_at(path, at, before)
        undo.clear()
        path = chance.choice(paths)
        size = path.stat().st_size
        directory = size - 1 - chance.randrange(1200)
        for _ in range(chance.randint(1, 6)):
            at = chance.choice((chance.randrange(size), directory, chance.randrange(9000)))
            content = bytes(chance.randrange(256) for _ in range(chance.choice((1, 1, 2, 4))))
            content = content[: size - at]
            undo.append((path, at, _read_at(path, at, len(content))))
            _write_at(path, at, content)
        return lambda: ModelPackage.open(path)

    return make


def _read_at(path: Path, at: int, length: int) -> bytes:
    with path.open('rb') as file:
        file.seek(at)
        return file.read(length)


def _write_at(path: Path, at: int, content: bytes) -> None:
    with path.open('r+b') as file:
        file.seek(at)
        file.write(content)


def _member(
    folder: Path,
    name: str,
    change: Callable[[bytes, random.Random], bytes],
    read: Callable[[Path], object],
) -> Callable[[random.Random], Callable[[], object]]:
    """Return a function that changes one file of a package, and its hash in the manifest."""
    bases = []
    for shipped in sorted(SHIPPED_WEIGHTS.glob('*.zip')):
        base = folder / shipped.stem
        base.mkdir()
        files = read_files(shipped)
        write_files(base, files)
        bases.append((base, files[name], json.loads(files['manifest.json'])))

    def make(chance: random.Random) -> Callable[[], object]:
        base, content, manifest = chance.choice(bases)
        changed = change(content, chance)
        (base / name).write_bytes(changed)
        if name != 'manifest.json':
            record = {'sha256': hashlib.sha256(changed).hexdigest(), 'size': len(changed)}
            files = {**manifest['files'], name: record}
            (base / 'manifest.json').write_text(json.dumps({**manifest, 'files': files}))
        return lambda: read(base)

    return make


def _changed_bytes(content: bytes, chance: random.Random) -> bytes:
    """Change bytes, mostly in the structures at the beginning and at the end."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        where = chance.choice((chance.randrange(len(changed)), chance.randrange(40_000)))
        where = where if chance.random() < 0.5 else len(changed) - 1 - where % len(changed)
        changed[where % len(changed)] = chance.randrange(256)
    if chance.random() < 0.1:
        del changed[chance.randrange(len(changed)) :]
    return bytes(changed)


def _changed_text(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at, way = chance.randrange(len(changed) + 1), chance.randrange(5)
        if way == 0:
            changed[at : at + 1] = bytes([chance.randrange(256)])
        elif way == 1:
            changed[at:at] = chance.choice(_ODD_TEXTS)
        elif way == 2:
            changed[at : at + chance.randint(1, 40)] = b''
        elif way == 3:
            changed[at:at] = changed[at : at + chance.randint(1, 400)]
        else:
            changed[at : at + chance.randint(1, 4)] = chance.choice(_ODD_TEXTS)
    return bytes(changed)


def _changed_json(content: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.5:
        return _changed_text(content, chance)
    value = json.loads(content)
    for _ in range(chance.randint(1, 3)):
        value = _changed_value(value, chance)
    return json.dumps(value).encode()


def _changed_value(value: Any, chance: random.Random) -> Any:
    """Replace one part, at any depth, by an unexpected value."""
    if not isinstance(value, dict | list) or not value or chance.random() < 0.1:
        return chance.choice(_ODD_VALUES)
    if isinstance(value, dict):
        key = chance.choice(sorted(value))
        if chance.random() < 0.1:
            return {one: inner for one, inner in value.items() if one != key}
        if chance.random() < 0.1:
            return {**value, f'{key}{chance.choice(("", "x", "/../x"))} ': value[key]}
        return {**value, key: _changed_value(value[key], chance)}
    at = chance.randrange(len(value))
    if chance.random() < 0.1:
        return [*value, value[at]]
    return [*value[:at], _changed_value(value[at], chance), *value[at + 1 :]]


def _changed_header(content: bytes, chance: random.Random) -> bytes:
    length = int.from_bytes(content[:8], 'little')
    header, rest = content[8 : 8 + length], content[8 + length :]
    if chance.random() < 0.1:
        length_field = chance.choice((0, 1, length - 1, length + 1, 2**31, 2**63))
        return length_field.to_bytes(8, 'little') + header + rest
    header = _changed_json(header, chance)
    return len(header).to_bytes(8, 'little') + header + rest


def _checkpoint(folder: Path, content: bytes) -> Callable[[], object]:
    path = folder / 'mutant.pt'
    path.write_bytes(content)
    return lambda: import_checkpoint(path, folder=folder)


def _changed_pickle(content: bytes, chance: random.Random) -> bytes:
    """Change the pickle in a torch file and correct the checksums."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as given, zipfile.ZipFile(written, 'w') as archive:
        for entry in given.infolist():
            inner = given.read(entry)
            if entry.filename.endswith('data.pkl'):
                inner = _changed_opcodes(inner, chance)
            archive.writestr(entry.filename, inner)
    return written.getvalue()


def _changed_opcodes(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at, way = chance.randrange(len(changed)), chance.randrange(4)
        if way == 0:
            changed[at] = chance.choice(b'cR\x93\x81bsu(t.0210NIhjqr\x94\x95\x8e')
        elif way == 1:
            changed[at] ^= 1 << chance.randrange(8)
        elif way == 2:
            changed[at : at + chance.randint(1, 20)] = b''
        else:
            changed[at:at] = changed[at : at + chance.randint(1, 60)]
    return bytes(changed)


@cache
def _real_checkpoint() -> bytes:
    """Return a small checkpoint in the format of ultralytics, which is quick to read."""
    tasks = import_quietly('ultralytics.nn.tasks')
    torch.manual_seed(3)
    whole = tasks.DetectionModel('yolo11n.yaml', nc=2, verbose=False).yaml
    narrow = {**whole, 'scales': {'n': [0.5, 0.0625, 1024]}}
    model = tasks.DetectionModel(narrow, nc=2, verbose=False).half()
    model.names = {0: 'drain', 1: 'crack'}
    model.args = {'imgsz': 320}
    written = io.BytesIO()
    checkpoint = {
        'epoch': -1, 'best_fitness': None, 'model': model, 'ema': None, 'updates': None,
        'optimizer': None, 'train_args': {'imgsz': 320, 'task': 'detect'}, 'train_metrics': {},
        'train_results': {}, 'date': '2026-01-01T00:00:00', 'version': '8.4.190',
        'license': 'AGPL-3.0', 'docs': 'https://docs.ultralytics.com',
    }  # fmt: skip
    torch.save(checkpoint, written)
    return written.getvalue()


def _evil(trap: str, port: int) -> list[bytes]:
    code = f'import os, socket; socket.create_connection(("127.0.0.1", {port}))'
    return [
        saved([Calls(exec, f'open({trap!r}, "w")'), list(range(20))]),
        saved({'a': Calls(exec, code), 'b': (1, 'x')}),
    ]


# By kind: which file of a package is changed, how, and what reads it.
_MEMBERS: dict[str, tuple[str, Any, Callable[[Path], object]]] = {
    'its manifest': ('manifest.json', _changed_json, _open),
    'its golden answers, hashes right': ('golden.json', _changed_json, _open),
    'its architecture, hashes right': ('architecture.yaml', _changed_text, _open_network),
    'header of its weights, hashes right': ('weights.safetensors', _changed_header, _open_network),
    'its ONNX file, hashes right': ('model.onnx', _changed_bytes, _self_test),
}
