# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The class branch of a head: one row per class, and a width that follows their number."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def widen_class_branch(ours: Any, theirs: Any) -> bool:
    """Rebuild the class branch of a head at the width of the other's; return whether it did.

    The branch is as wide as its data set has classes, at most 100, so the hidden layers of a head
    for 80 classes would not fit one for five. Nothing is done if inputs differ.
    """
    here, there = ours.cv3, theirs.cv3
    if len(here) != len(there) or _width(here) == _width(there):
        return False
    if _inputs(ours) != _inputs(theirs):
        return False
    fresh = deepcopy(there).float().train(here.training).requires_grad_(True)  # noqa: FBT003
    for branch, old in zip(fresh, here, strict=True):
        branch[-1] = nn.Conv2d(branch[-1].in_channels, old[-1].out_channels, 1)
    ours.cv3 = fresh
    ours.bias_init()
    return True


def rows_by_name(ours: Mapping[int, str], theirs: Mapping[int, str]) -> dict[int, int]:
    """Return for each class of ours that theirs has by name the row in theirs.

    Numbers as names, which models carry before they have any, do not count.
    """
    if any(all(str(k) == str(name) for k, name in names.items()) for names in (ours, theirs)):
        return {}
    there = {_plain(name): row for row, name in theirs.items()}
    return {row: there[_plain(name)] for row, name in ours.items() if _plain(name) in there}


def take_rows(ours: Tensor, theirs: Tensor, rows: Mapping[int, int]) -> bool:
    """Copy the rows of theirs into ours if the inner shapes fit; return whether they do."""
    if not rows or ours.shape[1:] != theirs.shape[1:]:
        return False
    with torch.no_grad():
        ours[list(rows)] = theirs[list(rows.values())].to(ours.dtype)
    return True


def class_row_names(head: Any) -> Sequence[str]:
    """Return the names of a head's weights whose rows are classes."""
    return [
        f'cv3.{level}.{len(branch) - 1}.{kind}'
        for level, branch in enumerate(head.cv3)
        for kind in ('weight', 'bias')
    ]


def _width(branches: Any) -> int:
    return int(branches[0][-1].in_channels)


def _inputs(head: Any) -> list[int]:
    return [branch[0].conv.in_channels for branch in head.cv2]


def _plain(name: str) -> str:
    return str(name).strip().lower()
