# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The survey of a folder: which of its files hold labels, and in which format."""

from __future__ import annotations

import csv
import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from training.dataset.formats.registry import FORMATS
from training.dataset.labelled_set import hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from training.dataset.formats.format import Format

_JSON = frozenset({'.json', '.geojson'})
_JSON_LINES = frozenset({'.ndjson', '.jsonl', '.manifest'})
_HEAD_LINES = 20
_HEAD_BYTES = 2**16


@dataclass
class Survey:
    """The label files of a folder by format, in the registry's order, and those of none."""

    found: dict[str, list[Path]] = field(default_factory=dict)
    unknown: dict[Path, str] = field(default_factory=dict)

    def formats(self) -> list[Format]:
        """Return the formats that were found."""
        return [one for one in FORMATS if one.key in self.found]


def survey(folder: Path, *, text_files: bool = True) -> Survey:
    """Look into every file below a folder once; `text_files` says whether .txt count.

    The content decides, never the name alone.
    """
    result = Survey()
    for path in sorted(folder.rglob('*')):
        if hidden(path, folder) or not path.is_file():
            continue
        if path.suffix.lower() == '.txt' and not text_files:
            continue
        one, description = format_of(path)
        if one is not None:
            result.found.setdefault(one.key, []).append(path)
        elif description:
            result.unknown[path] = description
    return result


def format_of(path: Path) -> tuple[Format | None, str]:
    """Return a file's format, or None and what a label file of no format holds."""
    suffix = path.suffix.lower()
    if suffix in _JSON:
        return _of_json(path)
    if suffix in _JSON_LINES:
        return _of_json_lines(path)
    if suffix == '.csv':
        return _of_table(path)
    if suffix == '.xml':
        text = path.read_text(encoding='utf-8-sig', errors='replace')
        chosen = _first(one for one in FORMATS if _accepts(one.xml, text))
        return chosen, 'XML of no known format'
    if suffix in {'.txt', '.data'}:
        lines = [line for line in _head(path).splitlines()[:_HEAD_LINES] if line.strip()]
        return _first(one for one in FORMATS if lines and _accepts(one.text, lines)), ''
    return _first(one for one in FORMATS if suffix and suffix in one.suffixes), ''


def _of_json(path: Path) -> tuple[Format | None, str]:
    raw = path.read_bytes()
    try:
        content = json.loads(raw.decode('utf-8-sig'))
    except (ValueError, RecursionError):
        # Lines of JSON in a .json, or a damaged file, which its reader reports.
        chosen, description = _of_json_lines(path)
        if chosen is not None:
            return chosen, description
        return _first(
            one
            for one in FORMATS
            if one.tokens and all(token.encode() in raw for token in one.tokens)
        ), 'text that is not JSON'
    return _judged(content), f'JSON of no known format ({_described(content)})'


def _of_json_lines(path: Path) -> tuple[Format | None, str]:
    with path.open(encoding='utf-8-sig', errors='replace') as stream:
        for line in stream:
            if line.strip():
                try:
                    content = json.loads(line)
                except (ValueError, RecursionError):
                    return None, 'text that is not JSON'
                if not isinstance(content, dict):
                    return None, f'JSON lines of no known format ({_described(content)})'
                return _judged(content), f'JSON lines of no known format ({_described(content)})'
    return None, ''


def _judged(content: Any) -> Format | None:
    return _first(one for one in FORMATS if _accepts(one.json, content))


def _of_table(path: Path) -> tuple[Format | None, str]:
    with path.open(encoding='utf-8-sig', errors='replace', newline='') as stream:
        try:
            rows = [row for row in itertools.islice(csv.reader(stream), _HEAD_LINES) if any(row)]
        except csv.Error:
            return None, 'text that is not CSV'
    if not rows:
        return None, ''
    chosen = _first(one for one in FORMATS if _accepts(one.table, rows))
    return chosen, f'CSV of no known format (columns {", ".join(rows[0])[:120]})'


def _described(content: Any) -> str:
    if isinstance(content, dict):
        return f'an object with {", ".join(map(str, itertools.islice(content, 6)))}'
    if isinstance(content, list):
        first = content[0] if content else None
        return f'a list of {len(content)}, first {_described(first)}' if content else 'a list'
    return type(content).__name__


def _head(path: Path) -> str:
    with path.open('rb') as stream:
        return stream.read(_HEAD_BYTES).decode('utf-8-sig', errors='replace')


def _first(found: Iterable[Format]) -> Format | None:
    return next(iter(found), None)


def _accepts(judge: Callable[[Any], bool] | None, content: Any) -> bool:
    """Return whether a format takes the content for its own; a malformed one is of no format."""
    try:
        return judge is not None and judge(content)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return False
