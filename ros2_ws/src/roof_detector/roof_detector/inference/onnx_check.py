# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The check that an ONNX file is plain data, before a runtime reads it."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from roof_detector.inference.errors import BadModel, UnsafeModel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_BYTES = (1 << 31) - 1  # of one message of protocol buffers
_MOST_DEPTH = 32
_MOST_VARINT_BYTES = 10

# Operators of these domains are part of the runtimes; others come in libraries, which are
# programs.
_DOMAINS = ('', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft')
# A node of these operators holds machine code, or names a file of it or a Python function.
_PROGRAMS = ('EPContext', 'PythonOp', 'PythonOpGrad', 'ATen')

# Numbers of the fields that lead to what is checked (onnx.proto3): in which message, and to which.
# All others are skipped without being read.
_NESTED = {
    'model': {7: 'graph', 8: 'opset', 25: 'function'},
    'graph': {1: 'node', 5: 'tensor', 15: 'sparse'},
    'function': {7: 'node', 9: 'opset'},
    'node': {5: 'attribute'},
    'attribute': {
        5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse',
    },
    'sparse': {1: 'tensor', 2: 'tensor'},
    'tensor': {13: 'external'},
}  # fmt: skip
_TEXTS = {
    'opset': {1: 'domain'},
    'node': {4: 'operator', 7: 'domain'},
    'external': {1: 'key', 2: 'value'},
}


def check_onnx(content: bytes | memoryview, *, path: Path, folder: Path | None) -> None:
    """Raise BadModel or UnsafeModel if an ONNX file is more than a graph of known operators.

    Weights may lie in other files of `folder`, the file's own, by a plain name; None allows none.
    """
    if len(content) > MOST_BYTES:
        msg = f'{path} has {len(content)} bytes, an ONNX file has at most {MOST_BYTES}.'
        raise BadModel(msg)
    try:
        for kind, texts in _walk(memoryview(content), 'model', depth=0):
            _check(kind, texts, path=path, folder=folder)
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        msg = (
            f'{path} is not an ONNX file, or it is cut short or damaged ({error}). Copy it or '
            'export it again.'
        )
        raise BadModel(msg) from error


def _check(kind: str, texts: dict[str, str], *, path: Path, folder: Path | None) -> None:
    if texts.get('domain', '') not in _DOMAINS:
        msg = (
            f'{path} is refused: it uses operators of {texts["domain"][:100]!r}, which come in '
            'libraries of their own, and none is ever loaded here. Export it with the operators '
            'of ONNX alone.'
        )
        raise UnsafeModel(msg)
    if texts.get('operator') in _PROGRAMS:
        msg = (
            f'{path} is refused: it has an operator {texts["operator"]}, which holds or names a '
            'program. Export it with the operators of ONNX alone.'
        )
        raise UnsafeModel(msg)
    if kind == 'external' and texts.get('key') == 'location':
        _check_location(texts.get('value', ''), path=path, folder=folder)


def _check_location(location: str, *, path: Path, folder: Path | None) -> None:
    if folder is None:
        msg = f'{path} is refused: it refers to another file, {location[:100]!r}.'
        raise UnsafeModel(msg)
    if location in ('', '.', '..') or any(one in location for one in '/\\\0'):
        msg = (
            f'{path} is refused: its weights lie in {location[:100]!r}, expected a file beside it.'
        )
        raise UnsafeModel(msg)
    try:
        kind = (folder / location).lstat().st_mode
    except OSError as error:
        msg = f'{path} lacks {location[:100]}, in which its weights lie. Copy both.'
        raise BadModel(msg) from error
    if not stat.S_ISREG(kind):
        msg = f'{path} is refused: {location[:100]} beside it is not a plain file.'
        raise UnsafeModel(msg)


def _walk(message: memoryview, kind: str, *, depth: int) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each message that is checked, as its kind and the texts that are checked."""
    if depth > _MOST_DEPTH:
        msg = f'nested more than {_MOST_DEPTH} levels deep'
        raise ValueError(msg)
    nested, wanted = _NESTED.get(kind, {}), _TEXTS.get(kind, {})
    texts: dict[str, str] = {}
    for number, field in _fields(message):
        if number in nested:
            yield from _walk(field, nested[number], depth=depth + 1)
        elif number in wanted:
            texts[wanted[number]] = str(field, 'utf-8')
    if texts:
        yield kind, texts


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield number and content of each field with a length; fields of other kinds are skipped."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == 0:
            _, at = _varint(message, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        elif kind == 2:
            length, at = _varint(message, at)
            if length > end - at:
                msg = 'a part reaches beyond the end'
                raise ValueError(msg)
            yield tag >> 3, message[at : at + length]
            at += length
        else:
            msg = f'a field has the unknown kind {kind}'
            raise ValueError(msg)
    if at > end:
        msg = 'a part reaches beyond the end'
        raise ValueError(msg)


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for index in range(_MOST_VARINT_BYTES):
        byte = message[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    msg = 'a number does not end'
    raise ValueError(msg)
