# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The data.yaml of a YOLO set, in the spellings that tools write."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from roof_detector.inference.plain_yaml import parse_plain_yaml
from training.dataset.labelled_set import SPLIT_NAMES

if TYPE_CHECKING:
    from pathlib import Path

    from training.dataset.fault import FaultLog

_PREFERRED = ('data.yaml', 'data.yml', 'dataset.yaml', 'dataset.yml')
_MOST_ALIASES = 4  # such as one list of names that two keys share


@dataclass(frozen=True, kw_only=True)
class DataYaml:
    """The content of a data.yaml: class names, and each split's folders, lists or images.

    `lines` gives the line of each key.
    """

    path: Path
    names: tuple[str, ...]
    splits: dict[str, tuple[Path, ...]]
    lines: dict[str, int] = field(default_factory=dict)

    def line_of(self, split: str) -> int:
        """Return the line of a split, under any of its names."""
        found = (line for key, line in self.lines.items() if SPLIT_NAMES.get(key.lower()) == split)
        return next(found, 0)


def find_data_yaml(folder: Path) -> Path | None:
    """Return the file that describes a folder, if there is one."""
    for name in _PREFERRED:
        if (folder / name).is_file():
            return folder / name
    for path in sorted((*folder.glob('*.yaml'), *folder.glob('*.yml'))):
        try:
            content = _content(path.read_text(encoding='utf-8-sig'))
        except (yaml.YAMLError, UnicodeDecodeError, ValueError):
            continue
        if isinstance(content, dict) and 'names' in content:
            return path
    return None


def read_data_yaml(path: Path, log: FaultLog) -> DataYaml | None:
    """Read a data.yaml; log each fault and return what could be read."""
    try:
        text = path.read_text(encoding='utf-8-sig')
        content = _content(text)
        lines = _key_lines(text)
    except UnicodeDecodeError:
        log.fault('yaml', path, 'is not UTF-8 text; save it as such.')
        return None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: an invalid date
        mark = getattr(error, 'problem_mark', None)
        line = mark.line + 1 if mark else 0
        problem = getattr(error, 'problem', None) or str(error)
        log.fault('yaml', path, f'is not YAML: {problem}.', line=line)
        return None
    if not isinstance(content, dict):
        log.fault('yaml', path, 'holds no settings; it needs train, val and names.')
        return None
    names = _names(content, path, lines, log)
    splits: dict[str, tuple[Path, ...]] = {}
    for key, value in content.items():
        split = SPLIT_NAMES.get(str(key).lower())
        if split is None or value in (None, ''):
            continue
        found = _places(content, path, value, key=str(key), line=lines.get(str(key), 0), log=log)
        splits[split] = (*splits.get(split, ()), *found)
    if not splits:
        log.fault('yaml', path, 'names no split; it needs train: and val: with folders.')
    return DataYaml(path=path, names=names, splits=splits, lines=lines)


def _names(
    content: dict[Any, Any], path: Path, lines: dict[str, int], log: FaultLog
) -> tuple[str, ...]:
    raw, line = content.get('names'), lines.get('names', 0)
    if isinstance(raw, dict):
        try:
            by_id = {int(key): str(value) for key, value in raw.items()}
        except (TypeError, ValueError):
            log.fault('names', path, 'names: has a key that is no class number.', line=line)
            return ()
        if sorted(by_id) != list(range(len(by_id))):
            log.fault(
                'names',
                path,
                f'names: numbers the classes {sorted(by_id)}; they must run from 0 without gaps.',
                line=line,
            )
            return ()
        names = tuple(by_id[i] for i in range(len(by_id)))
    elif isinstance(raw, list) and raw:
        names = tuple(str(name) for name in raw)
    else:
        log.fault('names', path, 'has no names: with the class names.', line=line)
        return ()
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        log.fault('names', path, f'names {", ".join(twice)} twice; merge them.', line=line)
    count = content.get('nc')
    if count is not None and count != len(names):
        log.fault(
            'names',
            path,
            f'nc: says {count} classes but names: lists {len(names)}; remove nc:.',
            line=lines.get('nc', 0),
        )
    return names


def _places(
    content: dict[Any, Any], path: Path, value: Any, *, key: str, line: int, log: FaultLog
) -> tuple[Path, ...]:
    base = path.parent / str(content.get('path') or '.')
    if not base.is_dir():
        # A path: from another machine or another working directory.
        base = path.parent
    found = []
    for entry in value if isinstance(value, list) else [value]:
        place = _existing(base, path.parent, str(entry).replace('\\', '/'))
        if place is None:
            log.fault(
                'split_missing',
                path,
                f'{key}: names {entry!r}, which does not exist; correct the path.',
                line=line,
            )
        else:
            found.append(place)
    return tuple(found)


def _existing(base: Path, home: Path, entry: str) -> Path | None:
    """Return an existing folder or list; Roboflow's ../train/images means train/images."""
    stripped = entry
    while stripped.startswith('../'):
        stripped = stripped[3:]
    candidates = [base / stripped, home / stripped]
    # Only a path without another meaning may lead out of the set.
    if stripped != entry:
        candidates += [base / entry, home / entry]
    for candidate in candidates:
        if candidate.exists():
            return candidate.resolve()
    return None


def _content(text: str) -> Any:
    return parse_plain_yaml(text, most_aliases=_MOST_ALIASES)


def _key_lines(text: str) -> dict[str, int]:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(key.value): key.start_mark.line + 1 for key, _ in node.value}
