# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The files of `config/`: every parameter of a node with its default."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roof_detector.launching.node_job import NodeJob
    from roof_detector.ros.common.parameters import Parameter, Value

_WIDTH = 99
_INDENT = '    '


def parameter_file(job: NodeJob, *, launch: str) -> str:
    """Return a node's parameter file, each parameter under a comment that explains it."""
    head = (
        f'Every parameter of the {job.name} node and its default, written by `make generate`. '
        f'Copy this file, change what you need and give the copy to launch/{launch}.launch.py as '
        'params_file.'
    )
    if any(parameter.default == () for parameter in job.table):
        head += " An empty list is written ['']: YAML's [] has no type."
    lines = [*_comment(head), '/**:', '  ros__parameters:']
    for parameter in job.table:
        lines += _comment(explanation(parameter), indent=_INDENT)
        lines += _entry(parameter)
    return '\n'.join(lines) + '\n'


def explanation(parameter: Parameter) -> str:
    """Return what a parameter is, which values it takes and when it may change."""
    text = parameter.descriptor().description
    if parameter.minimum is not None and parameter.maximum is not None:
        text += f' From {number(parameter.minimum)} to {number(parameter.maximum)}.'
    return text + (' May change in flight.' if parameter.live else ' Fixed while the node runs.')


def number(value: float) -> str:
    """Return a limit as a person writes it."""
    return str(int(value)) if value == int(value) else str(value)


def _comment(text: str, *, indent: str = '') -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=f'{indent}# ',
        subsequent_indent=f'{indent}# ',
        break_on_hyphens=False,
        break_long_words=False,
    )


def _entry(parameter: Parameter) -> list[str]:
    line = f'{_INDENT}{parameter.name}: {yaml_of(parameter.default)}'
    if len(line) <= _WIDTH or not isinstance(parameter.default, tuple):
        return [line]
    items = (f'{_INDENT}  - {yaml_of(item)}' for item in parameter.default)
    return [f'{_INDENT}{parameter.name}:', *items]


def yaml_of(value: Value) -> str:
    """Return a value as YAML that ROS reads with the same type: every text in quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, tuple):
        return f'[{", ".join(yaml_of(item) for item in value or ("",))}]'
    return str(value)
