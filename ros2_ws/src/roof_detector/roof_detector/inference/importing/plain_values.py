# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The conversion of a checkpoint's values to JSON and tensors, and back; only data passes.

A number, a text, a boolean or null stands for itself. The rest is an object with one key:
`{"list": [...]}`, `{"tuple": [...]}`, `{"dict": [[key, value], ...]}`, `{"float": "nan"}`,
`{"tensor": "name"}` of the file of tensors beside it, `{"left out": "the class's name"}`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from roof_detector.inference.errors import BadModel

MOST_DEPTH = 40
MOST_VALUES = 500_000
_ODD_FLOATS = {'nan': math.nan, 'inf': math.inf, '-inf': -math.inf}


class PlainWriter:
    """A writer of values as JSON; tensors are collected by name in `tensors`."""

    def __init__(self) -> None:
        self.tensors: dict[str, Any] = {}
        self._values = 0

    def write(self, value: Any, *, depth: int = 0) -> Any:
        """Return a value for JSON; raise ValueError if it is too deep or too large."""
        self._values += 1
        if depth > MOST_DEPTH or self._values > MOST_VALUES:
            msg = f'It nests values deeper than {MOST_DEPTH} or holds more than {MOST_VALUES}.'
            raise ValueError(msg)
        if value is None or type(value) in (bool, int, str):
            return value
        if isinstance(value, int | str):  # a class of its own, such as an enumeration's
            return int(value) if isinstance(value, int) else str(value)
        if isinstance(value, float):
            number = float(value)
            return number if math.isfinite(number) else {'float': str(number)}
        if isinstance(value, Mapping):
            pairs = [
                [self.write(key, depth=depth + 1), self.write(one, depth=depth + 1)]
                for key, one in value.items()
            ]
            return {'dict': pairs}
        if isinstance(value, list | tuple | set | frozenset):
            kind = 'tuple' if isinstance(value, tuple) else 'list'
            return {kind: [self.write(one, depth=depth + 1) for one in value]}
        return self._write_object(value, depth)

    def _write_object(self, value: Any, depth: int) -> Any:
        import numpy as np  # noqa: PLC0415  (read by processes that have no need of either)
        import torch  # noqa: PLC0415

        if isinstance(value, torch.Tensor) or (
            isinstance(value, np.ndarray) and value.dtype.kind in 'fiub'
        ):
            name = f'{len(self.tensors)}'
            self.tensors[name] = torch.as_tensor(value)
            return {'tensor': name}
        if isinstance(value, np.generic):
            return self.write(value.item(), depth=depth + 1)
        if type(value).__name__ in ('PurePosixPath', 'datetime', 'date', 'dtype'):
            return str(value)
        if type(value).__name__ == 'IterableSimpleNamespace':
            return self.write(vars(value), depth=depth + 1)
        return {'left out': type(value).__name__}


def read_plain(value: Any, tensors: Mapping[str, Any], *, depth: int = 0) -> Any:
    """Return the value from what `PlainWriter.write` returned; raise `BadModel` for anything else.

    A value that was left out is None.
    """
    if depth > MOST_DEPTH:
        msg = f'Its values are nested deeper than {MOST_DEPTH}.'
        raise BadModel(msg)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict) and len(value) == 1:
        ((kind, content),) = value.items()
        if kind in ('list', 'tuple') and isinstance(content, list):
            items = [read_plain(one, tensors, depth=depth + 1) for one in content]
            return tuple(items) if kind == 'tuple' else items
        if kind == 'dict' and isinstance(content, list):
            return dict(_read_pair(pair, tensors, depth) for pair in content)
        if kind == 'float' and isinstance(content, str) and content in _ODD_FLOATS:
            return _ODD_FLOATS[content]
        if kind == 'tensor' and isinstance(content, str) and content in tensors:
            return tensors[content]
        if kind == 'left out' and isinstance(content, str):
            return None
    msg = f'Its values hold {str(value)[:60]!r}, which is not one of a checkpoint.'
    raise BadModel(msg)


def _read_pair(pair: Any, tensors: Mapping[str, Any], depth: int) -> tuple[Any, Any]:
    if not isinstance(pair, list) or len(pair) != 2:
        msg = 'Its values hold a mapping that is not made of pairs.'
        raise BadModel(msg)
    key = read_plain(pair[0], tensors, depth=depth + 1)
    if not isinstance(key, str | int | float | bool | type(None)):
        msg = f'Its values have a {type(key).__name__} as a key.'
        raise BadModel(msg)
    return key, read_plain(pair[1], tensors, depth=depth + 1)
