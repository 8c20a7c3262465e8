# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Values of a bag's manifest that are written as JSON, read as what they must be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeVar

from roof_detector.replay.errors import ReplayError

T = TypeVar('T', bound='dict[str, object] | list[str]')


def json_value(manifest: Mapping[str, str], name: str, default: T) -> T:
    """Return a value of the manifest of the default's kind, the default where it is missing.

    Raises ReplayError where the manifest is damaged; a list holds texts alone.
    """
    if name not in manifest:
        return default
    try:
        value = json.loads(manifest[name])
    except (ValueError, RecursionError):
        value = None
    is_right = isinstance(value, type(default))
    if is_right and isinstance(value, list):
        is_right = all(isinstance(item, str) for item in value)
    if not is_right:
        kind = 'list of names' if isinstance(default, list) else 'table'
        msg = (
            f'The manifest of the bag is damaged: {name} is {manifest[name][:80]!r}, expected a '
            f'{kind} in JSON.'
        )
        raise ReplayError(msg)
    return value  # type: ignore[no-any-return]
