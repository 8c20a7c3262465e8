# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The transfer of starting weights, layer by layer, where name and shape fit."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from ultralytics.nn.modules.head import Detect
from ultralytics.nn.tasks import DetectionModel

from roof_detector.inference.model_file import backend_for
from roof_detector.inference.safe_load import load_checkpoint
from training.errors import TrainingError
from training.trainer.block_matching import match_blocks
from training.trainer.class_rows import (
    class_row_names,
    rows_by_name,
    take_rows,
    widen_class_branch,
)

if TYPE_CHECKING:
    from pathlib import Path


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


def read_weights(path: Path) -> Any:
    """Read the model of a checkpoint or a package; raise as safe_load does."""
    if backend_for(path) != 'torch':
        msg = f'{path} cannot be trained from, expected a checkpoint (.pt) or a model package.'
        raise TrainingError(msg)
    checkpoint = load_checkpoint(path)
    model: Any = checkpoint.get('ema') or checkpoint.get('model')
    known = isinstance(model, DetectionModel)
    if not known or not isinstance(model.model[-1], Detect):
        msg = (
            f'{path} holds a {type(model).__name__}, expected a model for detection or instance '
            'segmentation.'
        )
        raise TrainingError(msg)
    if model.is_fused():
        msg = (
            f'{path} has its normalisations folded into its convolutions, so that it cannot be '
            'trained. Give the checkpoint from before that.'
        )
        raise TrainingError(msg)
    return model.float()


@torch.no_grad()
def transfer(
    ours: Any, theirs: Any, *, source: str, class_branch: str = 'weights'
) -> TransferReport:
    """Copy everything that fits into ours, in place, and report it.

    Both are ultralytics' DetectionModels; `ours` must carry the class names. A head's row for a
    class is used for the class of the same name, never by its number.
    """
    blocks, others = list(ours.model), list(theirs.model)
    if class_branch == 'weights':
        widen_class_branch(blocks[-1], others[-1])
    pairs = match_blocks(ours, theirs)
    rows = rows_by_name(ours.names, theirs.names)
    taken: dict[str, int] = {}
    took_rows = False
    for i, j in pairs.items():
        is_head = i == len(blocks) - 1
        apart = set(class_row_names(blocks[i])) if is_head else set()
        there = _by_level(blocks[i], others[j]) if is_head else others[j].state_dict()
        for name, tensor in blocks[i].state_dict().items():
            if name not in there:
                continue
            if name in apart:
                if take_rows(tensor, there[name], rows):
                    took_rows = True
                    taken[f'{i}.{name}'] = len(rows) * tensor[0].numel()
            elif there[name].shape == tensor.shape:
                tensor.copy_(there[name])
                taken[f'{i}.{name}'] = tensor.numel()
    return _report(
        ours,
        taken,
        source=source,
        moved=tuple((j, i) for i, j in sorted(pairs.items()) if i != j),
        classes=tuple(str(ours.names[row]) for row in rows) if took_rows else (),
    )


def _by_level(ours: Any, theirs: Any) -> dict[str, Tensor]:
    """Return the weights of a head, its branches renumbered to the levels of ours.

    A head with an additional level, such as stride 4, begins its numbers there: branches of the
    same stride belong together.
    """
    here = [int(stride) for stride in ours.stride]
    level = {j: here.index(int(s)) for j, s in enumerate(theirs.stride) if int(s) in here}
    renumbered: dict[str, Tensor] = {}
    for name, tensor in theirs.state_dict().items():
        part, _, rest = name.partition('.')
        number, _, tail = rest.partition('.')
        if part in ('cv2', 'cv3', 'cv4'):
            if int(number) in level:
                renumbered[f'{part}.{level[int(number)]}.{tail}'] = tensor
        else:
            renumbered[name] = tensor
    return renumbered


def _report(ours: Any, taken: dict[str, int], **rest: Any) -> TransferReport:
    layers: dict[str, bool] = {}
    count = 0
    whole = dict(ours.model.named_parameters())
    for name, weights in whole.items():
        layer = name.rpartition('.')[0]
        got = taken.get(name, 0)
        count += got
        layers[layer] = layers.get(layer, True) and got == weights.numel()
    return TransferReport(
        layers=(sum(layers.values()), len(layers)),
        parameters=(count, sum(weights.numel() for weights in whole.values())),
        left=tuple(layer for layer, complete in layers.items() if not complete),
        **rest,
    )
