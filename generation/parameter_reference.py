# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The page `docs/reference/parameters.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generation.parameter_files import number, yaml_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from roof_detector.launching.node_job import NodeJob
    from roof_detector.ros.common.parameters import Parameter

_HEAD = """# Parameters

Every parameter of every node, written by `make generate` from the tables that the nodes declare.
`ros2 param describe /detector confidence` shows the same. Each one is also an argument of the
node's launch file, and stands with its default in `config/<node>.yaml`.

A live parameter may change while the node runs (`ros2 param set`); a fixed one may not. A value
that makes no sense is refused with the reason, and nothing changes.
"""
_COLUMNS = ('name', 'type', 'default', 'range', 'unit', '', 'description')
_TABLE = f'| {" | ".join(_COLUMNS)} |\n|{" --- |" * len(_COLUMNS)}'
_TYPES = {bool: 'bool', int: 'int', float: 'double', str: 'string', tuple: 'string[]'}


def parameter_reference(nodes: Mapping[NodeJob, str]) -> str:
    """Return the page: one table for each node."""
    lines = [_HEAD]
    for job, launch in nodes.items():
        lines += [f'## {job.name}\n', f'Started by `{launch}.launch.py`.\n', _TABLE]
        lines += [_row(parameter) for parameter in job.table]
        lines.append('')
    return '\n'.join(lines).rstrip('\n') + '\n'


def _row(parameter: Parameter) -> str:
    cells = (
        f'`{parameter.name}`',
        _TYPES[type(parameter.default)],
        _default(parameter),
        _range(parameter),
        parameter.unit,
        'live' if parameter.live else 'fixed',
        parameter.description.replace('|', '\\|').replace('<', '&lt;'),
    )
    return f'| {" | ".join(cells)} |'


def _default(parameter: Parameter) -> str:
    if parameter.default in ('', ()):
        return 'empty'
    if isinstance(parameter.default, tuple):
        return ', '.join(f'`{item}`' for item in parameter.default)
    return f'`{yaml_of(parameter.default)}`'


def _range(parameter: Parameter) -> str:
    if parameter.choices:
        return ', '.join(f'`{choice}`' for choice in parameter.choices)
    if parameter.minimum is None or parameter.maximum is None:
        return ''
    return f'{number(parameter.minimum)} to {number(parameter.maximum)}'
