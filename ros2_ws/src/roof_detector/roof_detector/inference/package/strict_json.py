# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""JSON of foreign files: limited in size and depth, without duplicate keys or infinite numbers."""

from __future__ import annotations

import json
from typing import Any

from roof_detector.inference.errors import BadModel

MOST_BYTES = 1 << 20
_MOST_DEPTH = 24


def read_json(content: bytes, *, name: str) -> Any:
    """Read a JSON document of at most 1 MiB; raise BadModel for anything that is not plain."""
    if len(content) > MOST_BYTES:
        raise BadModel(
            f'{name} has {len(content)} bytes, expected at most {MOST_BYTES}. It is not the work '
            'of roof_detector.'
        )
    try:
        value = json.loads(
            content.decode('utf-8'),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        raise BadModel(
            f'{name} is not the JSON of a model package ({str(error)[:200]}). Copy the package '
            'again.'
        ) from error
    _check_depth(value, name=name)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError('a key stands there twice')
    return values


def _refuse_constant(text: str) -> float:
    raise ValueError(f'{text} is not a number in JSON')


def _check_depth(value: Any, *, name: str) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > _MOST_DEPTH:
            raise BadModel(f'{name} is nested more than {_MOST_DEPTH} levels deep.')
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
