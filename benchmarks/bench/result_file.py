# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Result files of measurements."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from benchmarks.bench.errors import BenchError

if TYPE_CHECKING:
    from pathlib import Path


def write_result(path: Path, part: str, run: dict[str, Any], measured: dict[str, Any]) -> None:
    """Write a measurement with the description of its run from `describe_run`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({'part': part, **run, **measured}, indent=1) + '\n', 'utf-8')


def read_results(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the results of a folder by part, oldest first; other files are passed over.

    `file` in each is its name without the ending.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(folder.glob('*.json')):
        try:
            result = json.loads(path.read_text('utf-8'))
        except ValueError as error:
            msg = f'{path} is not JSON ({error}), measure it again.'
            raise BenchError(msg) from error
        if isinstance(result, dict) and 'part' in result:
            found.setdefault(result['part'], []).append({**result, 'file': path.stem})
    return {part: sorted(all_of, key=lambda one: one['date']) for part, all_of in found.items()}
