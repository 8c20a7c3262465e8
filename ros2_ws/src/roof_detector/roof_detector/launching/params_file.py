# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A file of ROS parameters, read as the node would that it is given to."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import yaml

from roof_detector.launching.errors import LaunchError
from roof_detector.launching.readable_file import readable_file
from roof_detector.ros.errors import ParameterError
from roof_detector.ros.parameters import is_of_rclpy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from roof_detector.ros.parameters import ParameterTable

_VALUES = 'ros__parameters'


def read_params_file(
    text: str, *, node: str, table: ParameterTable, argument: str = 'params_file'
) -> dict[str, Any]:
    """Return the parameters that a file has for a node, such as /drone1/detector, checked.

    Of several entries that match, later ones win, as in ROS. Raises LaunchError for a file that
    cannot be read, that has nothing for this node, or that holds what the node would refuse.
    """
    path = readable_file(text, argument=argument)
    entries = dict(_entries(_content(path, argument), ()))
    if not entries:
        msg = (
            f'{argument} {path} holds no parameters: expected the name of a node, below it '
            f'{_VALUES}, and below that the parameters.'
        )
        raise LaunchError(msg)
    matching = [values for pattern, values in entries.items() if _matches(pattern, node)]
    if not matching:
        msg = (
            f'{argument} {path} has parameters for {", ".join(entries)} and none for {node}, so '
            f'none of them would act. Name the node {node}, or any node /**.'
        )
        raise LaunchError(msg)
    found = {name: value for values in matching for name, value in _flat(values, '')}
    for name, value in found.items():
        if not is_of_rclpy(name):
            found[name] = _checked(table, name, value, f'{argument} {path}')
    return found


def _content(path: Path, argument: str) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding='utf-8'))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        msg = f'{argument} {path} is not YAML: {" ".join(str(error).split())}.'
        raise LaunchError(msg) from error


def _entries(content: Any, names: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the pattern of each node and its values; namespaces may be nested."""
    if not isinstance(content, dict):
        return
    for key, below in content.items():
        if key == _VALUES:
            if isinstance(below, dict) and names:
                yield '/' + '/'.join(names), below
            continue
        parts = tuple(part for part in str(key).split('/') if part)
        yield from _entries(below, names + parts)


def _matches(pattern: str, node: str) -> bool:
    return _match(pattern.split('/')[1:], node.split('/')[1:])


def _match(pattern: list[str], names: list[str]) -> bool:
    """Tell whether tokens match, where * is one of them and ** any number."""
    if not pattern:
        return not names
    if pattern[0] == '**':
        return any(_match(pattern[1:], names[k:]) for k in range(len(names) + 1))
    return bool(names) and pattern[0] in ('*', names[0]) and _match(pattern[1:], names[1:])


def _flat(values: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f'{before}{name}.')
        else:
            yield f'{before}{name}', value


def _checked(table: ParameterTable, name: str, value: Any, where: str) -> Any:
    known = [parameter.name for parameter in table]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f' Did you mean {near[0]}?' if near else ''
        msg = f'{where} sets {name}, and there is no such parameter.{hint}'
        raise LaunchError(msg)
    try:
        return table[name].coerce(value)
    except ParameterError as error:
        msg = f'{where}: {error}'
        raise LaunchError(msg) from error
