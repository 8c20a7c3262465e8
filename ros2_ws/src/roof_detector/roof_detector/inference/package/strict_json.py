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
        msg = (
            f'{name} has {len(content)} bytes, expected at most {MOST_BYTES}. It is not the work '
            'of roof_detector.'
        )
        raise BadModel(msg)
    try:
        value = json.loads(
            content.decode('utf-8'),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        msg = (
            f'{name} is not the JSON of a model package ({str(error)[:200]}). Copy the package '
            'again.'
        )
        raise BadModel(msg) from error
    _check_depth(value, name=name)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        msg = 'a key stands there twice'
        raise ValueError(msg)
    return values


def _refuse_constant(text: str) -> float:
    msg = f'{text} is not a number in JSON'
    raise ValueError(msg)


def _check_depth(value: Any, *, name: str) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > _MOST_DEPTH:
            msg = f'{name} is nested more than {_MOST_DEPTH} levels deep.'
            raise BadModel(msg)
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
