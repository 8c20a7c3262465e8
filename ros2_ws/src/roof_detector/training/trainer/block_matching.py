# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The matching of the blocks of one model with those of another."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_PROBE_PX = 128


def match_blocks(ours: Any, theirs: Any) -> dict[int, int]:
    """Return for each matched block of ours the index of its partner in theirs.

    The models are ultralytics' DetectionModels. Partners work at the same stride. Of all pairings
    that keep the order, the one with the most parameters is chosen; among equals, the one that
    keeps class and index. The heads, which come last, are partners.
    """
    here, there = list(ours.model)[:-1], list(theirs.model)[:-1]
    sizes, other_sizes = block_sizes(ours), block_sizes(theirs)
    gain = [
        [
            _gain(i, one, j, other) if sizes[i] == other_sizes[j] else (0, 0)
            for j, other in enumerate(there)
        ]
        for i, one in enumerate(here)
    ]
    return {**_best_in_order(gain), len(here): len(there)}


@torch.no_grad()
def block_sizes(model: Any) -> list[int]:
    """Return the output width of each block but the head for an image of 128 pixels."""
    sizes: list[int] = []

    def note(_: nn.Module, __: Any, output: Tensor) -> None:
        sizes.append(int(output.shape[-1]))

    hooks = [block.register_forward_hook(note) for block in list(model.model)[:-1]]
    training = model.training
    try:
        model.eval()(torch.zeros(1, model.yaml.get('channels', 3), _PROBE_PX, _PROBE_PX))
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return sizes


def _best_in_order(gain: list[list[tuple[int, int]]]) -> dict[int, int]:
    """Return the pairs of rows and columns, both ascending, with the largest sum of gains."""
    rows, columns = len(gain), len(gain[0]) if gain else 0
    best = [[(0, 0)] * (columns + 1) for _ in range(rows + 1)]

    def paired(i: int, j: int) -> tuple[int, int]:
        after = best[i + 1][j + 1]
        return after[0] + gain[i][j][0], after[1] + gain[i][j][1]

    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], paired(i, j))
    pairs = {}
    i = j = 0
    while i < rows and j < columns:
        if gain[i][j][0] and best[i][j] == paired(i, j):
            pairs[i] = j
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _gain(i: int, ours: nn.Module, j: int, theirs: nn.Module) -> tuple[int, int]:
    """Return how many values fit by name and shape, and how similar the places are."""
    there = theirs.state_dict()
    fit = sum(
        tensor.numel()
        for name, tensor in ours.state_dict().items()
        if name in there and there[name].shape == tensor.shape
    )
    whole = sum(tensor.numel() for tensor in ours.state_dict().values())
    if not fit or (i != j and 2 * fit < whole):  # elsewhere, less than half is chance
        return 0, 0
    return fit, 2 * (type(ours) is type(theirs)) + (i == j)
