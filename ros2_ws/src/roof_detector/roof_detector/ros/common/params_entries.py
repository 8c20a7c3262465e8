# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""For which nodes a file of ROS parameters has something."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from roof_detector.ros.common.errors import RosError

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
    """Return whether a pattern stands for a node, both such as /drone1/detector."""
    return _match(pattern.split('/')[1:], node.split('/')[1:])


def check_params_files(node: str, *, arguments: Sequence[str] | None = None) -> None:
    """Raise RosError for a params file of the command line that has nothing for this node.

    rcl reads such a file and says nothing: none of its parameters would act.
    """
    words = list(sys.argv if arguments is None else arguments)
    for option, text in pairwise(words):
        if option != '--params-file':
            continue
        try:
            found = [pattern for pattern, _ in entries(yaml.safe_load(Path(text).read_text()))]
        except (OSError, ValueError, yaml.YAMLError, RecursionError):
            continue  # rcl itself says so of what it cannot read
        if not any(matches(pattern, node) for pattern in found):
            named = ', '.join(found) or 'no node at all'
            raise RosError(
                f'The params file {text} has parameters for {named} and none for {node}, so none '
                f'of them would act. Name the node {node}, or any node /**.'
            )


def _match(pattern: list[str], names: list[str]) -> bool:
    """Return whether tokens match, where * is one of them and ** any number."""
    if not pattern:
        return not names
    if pattern[0] == '**':
        return any(_match(pattern[1:], names[k:]) for k in range(len(names) + 1))
    return bool(names) and pattern[0] in ('*', names[0]) and _match(pattern[1:], names[1:])
