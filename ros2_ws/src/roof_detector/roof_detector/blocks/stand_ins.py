# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The replacement of ultralytics' stock module for a row by the block that the row names."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from torch import nn
from ultralytics.nn.modules import C3k2, Conv, Detect, Segment
from ultralytics.nn.modules.block import C3k

from roof_detector.blocks.errors import BlocksError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from roof_detector.blocks.registry import Registration


def build_block(
    entry: Registration,
    stand_in: nn.Module,
    row_arguments: Sequence[Any],
    options: Mapping[str, Any],
) -> nn.Module:
    """Build the block for a row.

    `stand_in` is the stock module that the parser built, `row_arguments` are the row's arguments
    as the parser left them, `options` is the mapping that ended the row.
    """
    offered = _READERS[entry.stands_for](entry.name, stand_in, list(row_arguments))
    accepted = entry.parameters
    unknown = sorted(set(options) - set(accepted))
    if unknown:
        msg = (
            f'{entry.name} has no option {", ".join(map(repr, unknown))}; '
            f'its options are {", ".join(accepted)}.'
        )
        raise BlocksError(msg)
    repeats = offered.pop('n', 1)
    arguments = {name: value for name, value in offered.items() if name in accepted}
    arguments.update(options)
    if entry.repeats in accepted:
        return entry.block(**{entry.repeats: repeats, **arguments})
    if repeats == 1:
        return entry.block(**arguments)
    following = {**arguments, 'c1': offered['c2']}
    return nn.Sequential(
        entry.block(**arguments), *(entry.block(**following) for _ in range(repeats - 1))
    )


def _read_stage(name: str, stand_in: nn.Module, row: list[Any]) -> dict[str, Any]:
    if not isinstance(stand_in, C3k2):
        raise _misread(name, 'C3k2', stand_in)
    c1, c2, n = stand_in.cv1.conv.in_channels, stand_in.cv2.conv.out_channels, len(stand_in.m)
    offered = _bind(name, C3k2, [c1, c2, n, *row[1:]])
    offered['c3k'] = isinstance(stand_in.m[0], C3k)
    return offered


def _read_layer(name: str, stand_in: nn.Module, row: list[Any]) -> dict[str, Any]:
    if not isinstance(stand_in, Conv):
        msg = f'{name} stands for a single Conv, so its row must have 1 repeat: write more rows.'
        raise BlocksError(msg)
    return _bind(name, Conv, [stand_in.conv.in_channels, stand_in.conv.out_channels, *row[1:]])


def _read_fusion(_name: str, _stand_in: nn.Module, _row: list[Any]) -> dict[str, Any]:
    return {}


def _read_head(name: str, stand_in: nn.Module, row: list[Any]) -> dict[str, Any]:
    stock = Segment if isinstance(stand_in, Segment) else Detect
    return _bind(name, stock, row)


_READERS: Mapping[str, Callable[[str, nn.Module, list[Any]], dict[str, Any]]] = {
    'C3k2': _read_stage,
    'Conv': _read_layer,
    'CBFuse': _read_fusion,
    'Detect': _read_head,
    'Segment': _read_head,
}


def _bind(name: str, stock: type[nn.Module], arguments: list[Any]) -> dict[str, Any]:
    try:
        bound = inspect.signature(stock).bind(*arguments)
    except TypeError as error:
        msg = f'The row of {name} does not fit {stock.__name__}, whose place it takes: {error}.'
        raise BlocksError(msg) from error
    bound.apply_defaults()
    return dict(bound.arguments)


def _misread(name: str, expected: str, found: nn.Module) -> BlocksError:
    return BlocksError(
        f'{name} stands for {expected}, but its row became a {type(found).__name__}.'
    )
