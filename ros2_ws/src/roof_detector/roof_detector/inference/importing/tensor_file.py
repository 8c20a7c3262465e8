# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Tensor files (safetensors) from foreign sources, checked before they are read."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from typing import TYPE_CHECKING, Any

from roof_detector.inference.errors import BadModel

if TYPE_CHECKING:
    from pathlib import Path

    import torch

_BYTES = {
    'BOOL': 1, 'U8': 1, 'I8': 1, 'I16': 2, 'F16': 2, 'BF16': 2, 'I32': 4, 'F32': 4, 'I64': 8,
    'F64': 8,
}  # fmt: skip
_MOST_HEADER_BYTES = 8_000_000
_MOST_TENSORS = 50_000
_MOST_SIDES = 8
_NAME = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.\-]{0,299}')


def check_tensor_file(path: Path, *, most_bytes: int = 2**31) -> dict[str, tuple[str, list[int]]]:
    """Return type and shape of each tensor; raise `BadModel` unless the file is exactly that.

    The header must describe every byte that follows it once, in order, with types that weights
    have. It is checked against the size of the file before anything is allocated.
    """
    descriptor = _open_regular(path)
    with os.fdopen(descriptor, 'rb') as file:
        size = os.fstat(descriptor).st_size
        if size > most_bytes:
            raise _bad(path, f'takes {size} bytes, at most {most_bytes} are read')
        length = _header_length(path, file.read(8), size)
        return _check_header(path, file.read(length), size)


def load_tensors(content: bytes, *, where: Path) -> dict[str, torch.Tensor]:
    """Check the content of a tensor file of `where`, as `check_tensor_file` does, and load it."""
    length = _header_length(where, content[:8], len(content))
    _check_header(where, content[8 : 8 + length], len(content))
    from safetensors.torch import load  # noqa: PLC0415  (imports torch)

    try:
        return load(content)
    except Exception as error:
        raise _bad(where, f'cannot be read ({str(error)[:100]})') from error


def read_tensors(path: Path, *, most_bytes: int = 2**31) -> dict[str, torch.Tensor]:
    """Check a file of tensors and read it into memory of its own."""
    check_tensor_file(path, most_bytes=most_bytes)
    return load_tensors(path.read_bytes(), where=path)


def _open_regular(path: Path) -> int:
    """Open a regular file: no link, which leads elsewhere, no pipe, which blocks."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _bad(path, f'cannot be opened ({error.strerror})') from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _bad(path, 'is not a regular file')
    return descriptor


def _header_length(path: Path, begin: bytes, size: int) -> int:
    length = int.from_bytes(begin, 'little')
    if size < 10 or not 2 <= length <= min(size - 8, _MOST_HEADER_BYTES):
        raise _bad(path, f'says that its header has {length} bytes of {size}')
    return length


def _check_header(path: Path, content: bytes, size: int) -> dict[str, tuple[str, list[int]]]:
    try:
        header = json.loads(content, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise _bad(path, 'has a header that is not JSON') from error
    if not isinstance(header, dict) or len(header) > _MOST_TENSORS:
        raise _bad(path, f'does not describe at most {_MOST_TENSORS} tensors')
    header.pop('__metadata__', None)
    described = {name: _check_tensor(path, name, one) for name, one in header.items()}
    end = 0
    for name, (first, last) in sorted(
        ((name, one['data_offsets']) for name, one in header.items()), key=lambda pair: pair[1]
    ):
        if first != end:
            raise _bad(path, f'leaves a gap or an overlap before {name!r}')
        end = last
    if end != size - 8 - len(content):
        raise _bad(path, f'describes {end} bytes of {size - 8 - len(content)}')
    return described


def _check_tensor(path: Path, name: str, described: Any) -> tuple[str, list[int]]:
    if not _NAME.fullmatch(name):
        raise _bad(path, f'has a tensor named {name[:60]!r}')
    if not isinstance(described, dict) or set(described) != {'dtype', 'shape', 'data_offsets'}:
        raise _bad(path, f'does not describe {name!r} by type, shape and place')
    kind, shape, place = described['dtype'], described['shape'], described['data_offsets']
    if not isinstance(kind, str) or kind not in _BYTES:
        raise _bad(path, f'has {name!r} of the type {str(kind)[:20]!r}')
    if not _are_counts(shape) or len(shape) > _MOST_SIDES:
        raise _bad(path, f'has {name!r} of the shape {str(shape)[:60]}')
    if not _are_counts(place) or len(place) != 2:
        raise _bad(path, f'has {name!r} at {str(place)[:60]}')
    if place[1] - place[0] != math.prod(shape) * _BYTES[kind]:
        raise _bad(path, f'gives {name!r} {place[1] - place[0]} bytes for its shape {shape}')
    return kind, shape


def _are_counts(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, int) and not isinstance(one, bool) and 0 <= one < 2**40 for one in value
    )


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        msg = 'A name is given twice.'
        raise ValueError(msg)
    return unique


def _bad(path: Path, what: str) -> BadModel:
    return BadModel(f'{path} {what}, so it is not a whole file of tensors. Copy it again.')
