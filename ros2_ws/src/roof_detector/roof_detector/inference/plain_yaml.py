# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Safe YAML of foreign files, with limits on nesting and aliases."""

from __future__ import annotations

from typing import Any

from roof_detector.inference.errors import BadModel

_MOST_DEPTH = 16


def parse_plain_yaml(text: str, *, most_aliases: int = 0) -> Any:
    """Parse YAML of plain values; raise yaml.YAMLError, also for text that would never end.

    Reading a level takes longer the more levels are open, and ten lines of aliases expand to more
    than any memory holds: both are limited.
    """
    import yaml  # noqa: PLC0415  (not every runtime keeps something so)

    aliases = depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        if depth > _MOST_DEPTH:
            msg = f'it is nested more than {_MOST_DEPTH} levels deep'
            raise yaml.YAMLError(msg)
        if aliases > most_aliases:
            msg = 'it refers to its own parts by aliases, write it out'
            raise yaml.YAMLError(msg)
    value = yaml.safe_load(text)
    if holds_vast_number(value):
        msg = 'it holds a number of more than 64 bits'
        raise yaml.YAMLError(msg)
    return value


def holds_vast_number(value: Any) -> bool:
    """Return whether plain values hold an integer that neither a float nor a text can hold.

    Hexadecimal integers are read whatever their length, and raise errors when they are compared or
    printed.
    """
    if isinstance(value, dict):
        return any(holds_vast_number(one) for pair in value.items() for one in pair)
    if isinstance(value, list | tuple | set):
        return any(map(holds_vast_number, value))
    return isinstance(value, int) and not -(2**63) <= value < 2**64


def read_plain_yaml(content: bytes, *, name: str, most_aliases: int = 0) -> Any:
    """Read YAML of a model's file; raise BadModel."""
    import yaml  # noqa: PLC0415  (not every runtime keeps something so)

    try:
        return parse_plain_yaml(content.decode('utf-8'), most_aliases=most_aliases)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        reason = str(error).split('\n', maxsplit=1)[0][:200]
        msg = f'{name} is not plain YAML ({reason}).'
        raise BadModel(msg) from error
