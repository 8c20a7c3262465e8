# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The data.yaml of a YOLO set, in the spellings that tools write."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from roof_detector.inference.plain_yaml import parse_plain_yaml
from training.dataset.labelled_set import SPLIT_NAMES
from training.dataset.split_places import SplitPlaces

if TYPE_CHECKING:
    from pathlib import Path

    from training.dataset.fault import FaultLog

_PREFERRED = ('data.yaml', 'data.yml', 'dataset.yaml', 'dataset.yml')
_MOST_ALIASES = 4  # such as one list of names that two keys share


@dataclass(frozen=True, kw_only=True)
class DataYaml:
    """The content of a data.yaml: class names, and each split's folders, lists or images.

    `lines` gives the line of each key; `keypoint_fields` is how many numbers follow a pose's box.
    """

    path: Path
    names: tuple[str, ...]
    splits: dict[str, tuple[Path, ...]]
    lines: dict[str, int] = field(default_factory=dict)
    keypoint_fields: int = 0

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
        nodes = _key_nodes(text)
        lines = {key: line for key, (line, _) in nodes.items()}
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
    names = _names(content, nodes, path, log)
    splits: dict[str, tuple[Path, ...]] = {}
    places = SplitPlaces(content, path, lines, log)
    for key, value in content.items():
        split = SPLIT_NAMES.get(str(key).lower())
        if split is None or value in (None, ''):
            continue
        splits[split] = (*splits.get(split, ()), *places.of(str(key), value))
    if not splits:
        log.fault('yaml', path, 'names no split; it needs train: and val: with folders.')
    return DataYaml(
        path=path,
        names=names,
        splits=splits,
        lines=lines,
        keypoint_fields=_keypoint_fields(content),
    )


def _names(
    content: dict[Any, Any], nodes: dict[str, tuple[int, yaml.Node]], path: Path, log: FaultLog
) -> tuple[str, ...]:
    """Return the class names as they are written: YAML 1.1 reads no, on, 1.0 as other values."""
    line, node = nodes.get('names', (0, None))
    if isinstance(node, yaml.MappingNode):
        try:
            by_id = {int(key.value): _text(value) for key, value in node.value}
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
    elif isinstance(node, yaml.SequenceNode) and node.value:
        names = tuple(_text(one) for one in node.value)
    else:
        log.fault('names', path, 'has no names: with the class names.', line=line)
        return ()
    if '' in names:
        text = f'names: gives class {names.index("")} no name; every class needs one.'
        log.fault('names', path, text, line=line)
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        log.fault('names', path, f'names {", ".join(twice)} twice; merge them.', line=line)
    count = content.get('nc')
    if count is not None and count != len(names):
        log.fault(
            'names',
            path,
            f'nc: says {count} classes but names: lists {len(names)}; remove nc:.',
            line=nodes['nc'][0] if 'nc' in nodes else 0,
        )
    return names


def _text(node: yaml.Node) -> str:
    return str(node.value).strip() if isinstance(node, yaml.ScalarNode) else ''


def _keypoint_fields(content: dict[Any, Any]) -> int:
    """Return how many numbers a pose has: kpt_shape is its points and the numbers of each."""
    shape = content.get('kpt_shape')
    if isinstance(shape, list) and len(shape) == 2 and all(isinstance(n, int) for n in shape):
        return int(shape[0] * shape[1])
    return 0


def _content(text: str) -> Any:
    return parse_plain_yaml(text, most_aliases=_MOST_ALIASES)


def _key_nodes(text: str) -> dict[str, tuple[int, yaml.Node]]:
    """Return line and node of each key."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(key.value): (key.start_mark.line + 1, value) for key, value in node.value}
