# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""ROS parameter files, read and checked as the node would."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import yaml

from roof_detector.launching.errors import LaunchError
from roof_detector.launching.readable_file import readable_file
from roof_detector.ros.common.errors import ParameterError
from roof_detector.ros.common.parameters import is_of_rclpy
from roof_detector.ros.common.params_entries import VALUES, matches
from roof_detector.ros.common.params_entries import entries as entries_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from roof_detector.ros.common.parameters import ParameterTable


def read_params_file(
    text: str, *, node: str, table: ParameterTable, argument: str = 'params_file'
) -> dict[str, Any]:
    """Return the checked parameters that a file has for a node such as /drone1/detector.

    Later matching entries override earlier ones, as in ROS. Raises LaunchError for a file that
    cannot be read, has no entry for this node, or has a value that the node would refuse.
    """
    path = readable_file(text, argument=argument)
    entries = dict(entries_of(_content(path, argument)))
    if not entries:
        msg = (
            f'{argument} {path} holds no parameters: expected the name of a node, below it '
            f'{VALUES}, and below that the parameters.'
        )
        raise LaunchError(msg)
    matching = [values for pattern, values in entries.items() if matches(pattern, node)]
    if not matching:
        msg = (
            f'{argument} {path} has parameters for {", ".join(entries)} and none for {node}, so '
            f'none of them has an effect. Name the node {node}, or any node /**.'
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
