# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""JSON files of labels, read with the lines of their entries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from training.dataset.json_lines import LinedJson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from training.dataset.fault import FaultLog


def parsed_json(file: Path, log: FaultLog) -> LinedJson | None:
    """Read a JSON file; log the fault and return None if it is none."""
    try:
        return LinedJson(file.read_text(encoding='utf-8-sig'))
    except UnicodeDecodeError:
        log.fault('json', file, 'is not UTF-8 text; export it again.')
    except json.JSONDecodeError as error:
        text = f'is not JSON: {error.msg} in column {error.colno}; export it again.'
        log.fault('json', file, text, line=error.lineno)
    except RecursionError:
        log.fault('json', file, 'is nested too deeply to be read; export it again.')
    return None


def documents(files: Iterable[Path], log: FaultLog) -> Iterator[tuple[Path, LinedJson]]:
    """Yield every file that is JSON; the others are logged."""
    for file in files:
        document = parsed_json(file, log)
        if document is not None:
            yield file, document


def parsed_lines(file: Path, log: FaultLog) -> Iterator[tuple[int, Any]]:
    """Yield line number and value of a file of JSON lines; log lines that are none."""
    with file.open(encoding='utf-8-sig', errors='replace') as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                yield number, json.loads(line)
            except (json.JSONDecodeError, RecursionError):
                log.fault('json', file, 'is not a line of JSON; export it again.', line=number)


def sized(width: Any, height: Any) -> tuple[int, int] | None:
    """Return a stated size in pixels, None if there is none."""
    try:
        size = round(float(width)), round(float(height))
    except (TypeError, ValueError, OverflowError):
        return None
    return size if min(size) > 0 else None


def as_object(value: Any) -> dict[str, Any]:
    """Return a value that should be a JSON object, an empty one if it is none."""
    return value if isinstance(value, dict) else {}


def is_list_of(value: Any, *keys: str) -> bool:
    """Return whether a value is a list whose first object has all the keys."""
    if not isinstance(value, list):
        return False
    first = next((one for one in value if isinstance(one, dict)), None)
    return first is not None and all(key in first for key in keys)
