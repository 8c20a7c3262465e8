# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The nodes that a ROS parameter file has entries for."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from roof_detector.ros.common.errors import RosError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

VALUES = 'ros__parameters'


def entries(content: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the pattern of each node and its values; namespaces may be nested."""
    if not isinstance(content, dict):
        return
    for key, below in content.items():
        if key == VALUES:
            if isinstance(below, dict) and names:
                yield '/' + '/'.join(names), below
            continue
        parts = tuple(part for part in str(key).split('/') if part)
        yield from entries(below, names + parts)


def matches(pattern: str, node: str) -> bool:
    """Return whether a pattern such as /*/detector matches a node such as /drone1/detector."""
    return _match(pattern.split('/')[1:], node.split('/')[1:])


def check_params_files(node: str, *, arguments: Sequence[str] | None = None) -> None:
    """Raise RosError if a --params-file of the command line has no entry for this node.

    rcl accepts such a file silently, and none of its parameters has an effect.
    """
    words = list(sys.argv if arguments is None else arguments)
    for option, text in pairwise(words):
        if option != '--params-file':
            continue
        try:
            found = [pattern for pattern, _ in entries(yaml.safe_load(Path(text).read_text()))]
        except (OSError, ValueError, yaml.YAMLError, RecursionError):
            continue  # rcl itself reports a file that it cannot read
        if not any(matches(pattern, node) for pattern in found):
            named = ', '.join(found) or 'no node at all'
            msg = (
                f'The params file {text} has parameters for {named} and none for {node}, so none '
                f'of them has an effect. Name the node {node}, or any node /**.'
            )
            raise RosError(msg)


def _match(pattern: list[str], names: list[str]) -> bool:
    """Return whether tokens match; * matches one token and ** any number of them."""
    if not pattern:
        return not names
    if pattern[0] == '**':
        return any(_match(pattern[1:], names[k:]) for k in range(len(names) + 1))
    return bool(names) and pattern[0] in ('*', names[0]) and _match(pattern[1:], names[1:])
