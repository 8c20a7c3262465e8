# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The report of a model's transferred starting weights."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class TransferReport:
    """Counts of what was taken from `source`, and names of what was not.

    A layer is a module with weights of its own, such as one convolution; it counts as taken when
    all its weights are. `moved` lists blocks whose index in the two models differs, as pairs
    (index in the source, index here). `left` names layers of which something begins at random;
    `classes` those whose rows of the head were taken by name.
    """

    source: str
    layers: tuple[int, int]
    parameters: tuple[int, int]
    moved: tuple[tuple[int, int], ...] = ()
    left: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Return the share of the parameters that was taken, 0 to 1."""
        return self.parameters[0] / max(self.parameters[1], 1)

    def as_plain(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {**asdict(self), 'share': round(self.share, 4)}

    def __str__(self) -> str:
        lines = [
            f'Taken from {self.source}: {self.layers[0]} of {self.layers[1]} layers, '
            f'{self.share:.2%} of the parameters.'
        ]
        if self.moved:
            moved = ', '.join(f'{theirs} -> {ours}' for theirs, ours in self.moved)
            lines.append(f'Blocks that stand elsewhere there: {moved}.')
        if self.classes:
            lines.append(f'Class rows taken by name: {", ".join(self.classes)}.')
        if self.left:
            blocks = Counter(layer.partition('.')[0] for layer in self.left)
            left = ', '.join(f'{count} in block {block}' for block, count in blocks.items())
            lines.append(f'Layers that begin at random, wholly or in part: {left}.')
        return '\n'.join(lines)
