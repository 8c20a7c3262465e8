# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The keys of a result bag's manifest, and readers for the values that hold JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from roof_detector.offline.errors import ReplayError

if TYPE_CHECKING:
    from collections.abc import Mapping

NETWORK, PARAMETERS, IMAGE_TOPICS, INPUT, SOURCE_FILES, CANDIDATES_FLOOR, RASTER = (
    'network',
    'parameters',
    'image_topics',
    'input',
    'source_files',
    'candidates_floor',
    'raster',
)


def manifest_table(manifest: Mapping[str, str], name: str) -> dict[str, Any]:
    """Return the table in a value of the manifest, empty where the value is missing.

    Raises ReplayError where the manifest is damaged.
    """
    value = _json_value(manifest, name, missing={})
    if not isinstance(value, dict):
        raise _damaged(manifest, name, expected='table')
    return value


def manifest_names(manifest: Mapping[str, str], name: str) -> list[str]:
    """Return the list of texts in a value of the manifest, empty where the value is missing.

    Raises ReplayError where the manifest is damaged.
    """
    value = _json_value(manifest, name, missing=[])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _damaged(manifest, name, expected='list of names')
    return value


def _json_value(manifest: Mapping[str, str], name: str, *, missing: Any) -> Any:
    if name not in manifest:
        return missing
    try:
        return json.loads(manifest[name])
    except (ValueError, RecursionError):
        return None


def _damaged(manifest: Mapping[str, str], name: str, *, expected: str) -> ReplayError:
    return ReplayError(
        f'The manifest of the bag is damaged: {name} is {manifest[name][:80]!r}, expected a '
        f'{expected} in JSON.'
    )
