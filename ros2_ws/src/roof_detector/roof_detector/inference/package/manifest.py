# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The manifest of a model package: manifest.json."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from roof_detector.inference.errors import BadModel
from roof_detector.inference.model_facts import ModelFacts
from roof_detector.inference.options import TASKS
from roof_detector.inference.package.class_facts import ClassFacts, read_class_facts
from roof_detector.inference.package.int8_facts import Int8Facts, read_int8_facts
from roof_detector.inference.package.strict_json import read_json
from roof_detector.vision.letterbox import PAD_VALUE, fits_stride

if TYPE_CHECKING:
    from collections.abc import Mapping

    from roof_detector.inference.options import Precision, Task

FORMAT = 'roof_detector model package'
FORMAT_VERSION = 1

MANIFEST = 'manifest.json'
ONNX = 'model.onnx'
# The same network, quantized, where there is one: as ONNX, or as graph and weights of OpenVINO.
INT8 = 'model_int8.onnx'
INT8_GRAPH, INT8_WEIGHTS = 'model_int8.xml', 'model_int8.bin'
INT8_FORMS: tuple[tuple[str, ...], ...] = ((INT8,), (INT8_GRAPH, INT8_WEIGHTS))
INT8_FILES = (INT8, INT8_GRAPH, INT8_WEIGHTS)
WEIGHTS = 'weights.safetensors'
ARCHITECTURE = 'architecture.yaml'
GOLDEN = 'golden.json'
SIGNATURE = 'signature.json'

# How an image becomes the network's input. Another preprocessing would be another format version.
PREPROCESSING: Mapping[str, Any] = {
    'colours': 'RGB',
    'range': [0.0, 1.0],
    'layout': 'NCHW',
    'resizing': 'bilinear, one scale for both sides',
    'padding': PAD_VALUE,
}

# The maximum size of each kind of file. The largest supported network has 57 million weights.
_MOST_BYTES = {
    ONNX: 1 << 30,
    INT8: 1 << 30,
    INT8_GRAPH: 1 << 25,
    INT8_WEIGHTS: 1 << 30,
    WEIGHTS: 1 << 30,
    ARCHITECTURE: 1 << 18,
    GOLDEN: 1 << 20,
}
GOLDEN_LIMIT = 8  # golden images in a package
_GOLDEN_IMAGE = re.compile(rf'golden_[1-{GOLDEN_LIMIT}]\.png')
_MOST_IMAGE_BYTES = 1 << 22
REQUIRED = (ONNX, WEIGHTS, ARCHITECTURE, GOLDEN)

_SHA256 = re.compile(r'[0-9a-f]{64}')
_MOST_CLASSES = 10_000
_MOST_NAME = 200
_MOST_SIDE = 8192
_PRECISIONS: tuple[Precision, ...] = ('f16', 'f32')
_LEAST_M, _MOST_M = 0.0001, 1000.0  # a pixel of a microscope's and of a satellite's image


def golden_name(number: int) -> str:
    """Return the name of a golden image, which are numbered from 1."""
    return f'golden_{number}.png'


def most_bytes(name: str) -> int:
    """Return the maximum size of a package's file; raise BadModel if the file does not belong."""
    if name in _MOST_BYTES:
        return _MOST_BYTES[name]
    if _GOLDEN_IMAGE.fullmatch(name):
        return _MOST_IMAGE_BYTES
    msg = (
        f'The file {name[:100]!r} has no place in a model package: expected {MANIFEST}, '
        f'{", ".join(REQUIRED)}, golden_1.png to golden_8.png and optionally {SIGNATURE}.'
    )
    raise BadModel(msg)


@dataclass(frozen=True)
class FileRecord:
    """The SHA-256 and the size of a file of a package."""

    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The facts of a packaged model, and the hash of every other file of the package.

    `strides` are those of the head's levels, in pixels of the input; `image_size_wh` is the
    default input of the model. `precision` is that of the stored weights, f16 or f32. `training`
    is the record of the run that made it and `source` what it was packaged from, plain values
    both. `metres_per_pixel` are the lowest and highest ground resolution that the model was
    trained at, as its input shows them, None where that is not known. `classes` are the measured
    facts of those classes that there are any of, `int8` those of the INT8 model if there is one.
    """

    name: str
    task: Task
    class_names: tuple[str, ...]
    strides: tuple[int, ...]
    image_size_wh: tuple[int, int]
    precision: Precision
    licence: str
    source: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, FileRecord] = field(default_factory=dict)
    metres_per_pixel: tuple[float, float] | None = None
    classes: Mapping[str, ClassFacts] = field(default_factory=dict)
    int8: Int8Facts | None = None

    @property
    def facts(self) -> ModelFacts:
        """Return the facts that every backend needs."""
        return ModelFacts(
            names=self.class_names,
            task=self.task,
            stride=max(self.strides),
            image_size=self.image_size_wh,
            fixed=False,
        )

    @classmethod
    def read(cls, content: bytes) -> Manifest:
        """Read manifest.json and check every value; raise BadModel."""
        values = read_json(content, name=MANIFEST)
        if not isinstance(values, dict):
            msg = f'is a {type(values).__name__}, expected an object'
            raise _bad(msg)
        if values.get('format') != FORMAT:
            msg = f'lacks the format {FORMAT!r}'
            raise _bad(msg)
        version = values.get('format_version')
        if version != FORMAT_VERSION or isinstance(version, bool):
            msg = (
                f'has the format version {str(version)[:40]!r}, this roof_detector reads '
                f'{FORMAT_VERSION}'
            )
            raise _bad(msg)
        known = {'format', 'format_version', 'preprocessing', *_READERS}
        for key in sorted((set(values) - {*_OPTIONAL, 'classes', 'int8'}) ^ known):
            msg = f'{"lacks" if key in known else "has the unknown"} key {key[:60]!r}'
            raise _bad(msg)
        if values['preprocessing'] != dict(PREPROCESSING):
            msg = 'asks for a preprocessing that is not done here'
            raise _bad(msg)
        given = {key: reader for key, reader in _OPTIONAL.items() if key in values}
        manifest = cls(
            **{key: reader(values[key], key) for key, reader in {**_READERS, **given}.items()}
        )
        if 'classes' in values:
            try:
                classes = read_class_facts(values['classes'], names=manifest.class_names)
            except ValueError as error:
                raise _bad(str(error)) from error
            manifest = replace(manifest, classes=classes)
        if 'int8' in values:
            try:
                manifest = replace(manifest, int8=read_int8_facts(values['int8']))
            except ValueError as error:
                raise _bad(str(error)) from error
        listed = tuple(name for name in INT8_FILES if name in manifest.files)
        if listed not in (INT8_FORMS if manifest.int8 is not None else ((),)):
            msg = (
                f'states {"int8" if manifest.int8 is not None else "no int8"} and lists '
                f'{" and ".join(listed) or "no file of it"}, expected either {INT8} or both '
                f'{INT8_GRAPH} and {INT8_WEIGHTS} where it states int8, and none elsewhere'
            )
            raise _bad(msg)
        if not fits_stride(manifest.image_size_wh, max(manifest.strides)):
            msg = (
                f'has the image size {manifest.image_size_wh[0]}x{manifest.image_size_wh[1]}, '
                f'expected positive multiples of the stride {max(manifest.strides)}'
            )
            raise _bad(msg)
        return manifest

    def as_bytes(self) -> bytes:
        """Return the manifest as it is written, always the same for the same values."""
        values = {
            'format': FORMAT,
            'format_version': FORMAT_VERSION,
            'preprocessing': dict(PREPROCESSING),
            **asdict(self),
        }
        if self.metres_per_pixel is None:  # as all packages were before there was the key
            del values['metres_per_pixel']
        del values['int8']
        if self.int8 is not None:
            values['int8'] = self.int8.to_dict()
        del values['classes']
        if self.classes:
            values['classes'] = {name: one.to_dict() for name, one in self.classes.items()}
        return (json.dumps(values, indent=1, sort_keys=True, allow_nan=False) + '\n').encode()


def _bad(what: str) -> BadModel:
    return BadModel(
        f'The {MANIFEST} {what}. Make the package again: roof_detector models import best.pt.'
    )


def _text(value: Any, key: str, *, most: int = _MOST_NAME) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable():
        msg = f'has no printable text of 1 to {most} characters as {key}'
        raise _bad(msg)
    return value


def _one_of(known: tuple[str, ...]) -> Any:
    def read(value: Any, key: str) -> str:
        if value not in known:
            msg = f'has {str(value)[:60]!r} as {key}, expected {" or ".join(known)}'
            raise _bad(msg)
        return str(value)

    return read


def _names(value: Any, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= _MOST_CLASSES:
        msg = f'has no list of 1 to {_MOST_CLASSES} {key}'
        raise _bad(msg)
    names = tuple(_text(one, key) for one in value)
    if len(set(names)) != len(names):
        msg = f'gives a name in {key} more than once'
        raise _bad(msg)
    return names


def _integers(value: Any, key: str, *, counts: range) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) not in counts:
        msg = f'has no list of {counts.start} to {counts.stop - 1} numbers as {key}'
        raise _bad(msg)
    for one in value:
        if isinstance(one, bool) or not isinstance(one, int) or not 0 < one <= _MOST_SIDE:
            msg = f'has {str(one)[:40]!r} in {key}, expected 1 to {_MOST_SIDE}'
            raise _bad(msg)
    return tuple(value)


def _size(value: Any, key: str) -> tuple[int, int]:
    width, height = _integers(value, key, counts=range(2, 3))
    return width, height


def _record(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        msg = f'has no object as {key}'
        raise _bad(msg)
    return value


def check_metres_per_pixel(value: Any) -> tuple[float, float]:
    """Return the lowest and highest metres per pixel, or raise BadModel for other values."""
    return _metres_per_pixel(value, 'metres_per_pixel')


def _metres_per_pixel(value: Any, key: str) -> tuple[float, float]:
    numbers = value if isinstance(value, list | tuple) and len(value) == 2 else ()
    for one in numbers:
        if isinstance(one, bool) or not isinstance(one, int | float):
            numbers = ()
    if not numbers or not _LEAST_M <= numbers[0] <= numbers[1] <= _MOST_M:
        msg = (
            f'has {str(value)[:60]!r} as {key}, expected the lowest and the highest, from '
            f'{_LEAST_M:g} to {_MOST_M:g} m'
        )
        raise _bad(msg)
    return float(numbers[0]), float(numbers[1])


def _files(value: Any, key: str) -> Mapping[str, FileRecord]:
    if not isinstance(value, dict):
        msg = f'has no object as {key}'
        raise _bad(msg)
    files = {name: _file_record(name, one) for name, one in value.items()}
    if missing := [name for name in REQUIRED if name not in files]:
        msg = f'lists no {missing[0]} in {key}'
        raise _bad(msg)
    if 'golden_1.png' not in files:
        msg = 'lists no golden image, expected golden_1.png'
        raise _bad(msg)
    return files


def _file_record(name: str, value: Any) -> FileRecord:
    limit = most_bytes(name)
    if not isinstance(value, dict) or set(value) != {'sha256', 'size'}:
        msg = f'does not give sha256 and size of {name}'
        raise _bad(msg)
    sha256, size = value['sha256'], value['size']
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        msg = f'has no SHA-256 of {name}, 64 hexadecimal digits'
        raise _bad(msg)
    if isinstance(size, bool) or not isinstance(size, int) or not 0 < size <= limit:
        msg = f'gives {name} the size {str(size)[:40]}, expected 1 to {limit} bytes'
        raise _bad(msg)
    return FileRecord(sha256, size)


_READERS: Mapping[str, Any] = {
    'name': _text,
    'task': _one_of(TASKS),
    'class_names': _names,
    'strides': lambda value, key: _integers(value, key, counts=range(1, 9)),
    'image_size_wh': _size,
    'precision': _one_of(_PRECISIONS),
    'licence': _text,
    'source': _record,
    'training': _record,
    'files': _files,
}
_OPTIONAL: Mapping[str, Any] = {'metres_per_pixel': _metres_per_pixel}
