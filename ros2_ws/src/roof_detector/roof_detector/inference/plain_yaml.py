# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""YAML of foreign files."""

from __future__ import annotations

from typing import Any

from roof_detector.inference.errors import BadModel

_MOST_DEPTH = 16


def read_plain_yaml(content: bytes, *, name: str, most_aliases: int = 0) -> Any:
    """Read YAML of plain values; raise BadModel.

    Aliases are refused beyond a few: ten lines of them stand for more than any memory holds.
    """
    import yaml  # noqa: PLC0415  (not every runtime keeps something so)

    try:
        text = content.decode('utf-8')
        aliases = depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            aliases += isinstance(event, yaml.AliasEvent)
            # Reading one level takes the longer the more are open.
            if depth > _MOST_DEPTH:
                raise BadModel(f'{name} is nested more than {_MOST_DEPTH} levels deep.')
            if aliases > most_aliases:
                raise BadModel(f'{name} refers to its own parts by aliases, write it out.')
        return yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        reason = str(error).split('\n', maxsplit=1)[0][:200]
        raise BadModel(f'{name} is not plain YAML ({reason}).') from error
