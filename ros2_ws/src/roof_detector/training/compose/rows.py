# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The rows of ultralytics' model files, one after another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from training.compose.backbones import OWN, feature_channels
from training.compose.parts import (
    ATTENTION,
    DOWNSAMPLING,
    STAGES,
    STOCK_ARGUMENTS,
    UPSAMPLING,
)

if TYPE_CHECKING:
    from training.compose.description import Description

Row = list[Any]
TOP = 'top'


@dataclass
class Rows:
    """Rows that are written one after another; `named` gives the number of those used later."""

    description: Description
    written: list[Row] = field(default_factory=list)
    count: int = 0
    named: dict[str, int] = field(default_factory=dict)

    def write_backbone(self) -> None:
        """Write the rows of the backbone; its maps are named b and their level, the last `top`."""
        if self.description.backbone == OWN:
            self._own_backbone()
        else:
            self._timm_backbone()
        self.row('sppf', -1, 1, 'SPPF', [1024, 5])
        self.row(TOP, -1, 2, 'C2PSA', [1024])

    def _own_backbone(self) -> None:
        down = DOWNSAMPLING[self.description.backbone_downsampling]
        self.row('p1', -1, 1, 'Conv', [64, 3, 2])
        self.row('p2', -1, 1, 'Conv', [128, 3, 2])
        for level, channels in ((2, 128), (3, 256), (4, 512), (5, 1024)):
            if level > 2:
                self.row(f'p{level}', -1, 1, down, [channels, 3, 2])
            self.stage(f'b{level}')

    def _timm_backbone(self) -> None:
        levels = self.description.levels
        channels = feature_channels(self.description.backbone)
        options = {'name': self.description.backbone, 'strides': [2**level for level in levels]}
        self.row('timm', -1, 1, 'TimmBackbone', [64, 3, 2, options])
        for place, level in enumerate(levels):
            self.row(f'b{level}', self.named['timm'], 1, 'Index', [channels[2**level], place])

    def upsampling(self, above: str, name: str = '') -> None:
        """Write a row that doubles the size of a map."""
        kind = self.description.upsampling
        module = UPSAMPLING[kind]
        if module is None:
            self.row(name, self._source(above), 1, 'nn.Upsample', ['None', 2, kind])
        else:
            channels = self.description.channels_of(above)
            self.row(name, self._source(above), 1, module, [channels, 1, 1])

    def downsampling(self, below: str, name: str = '', *, channels: int = 0) -> None:
        """Write a row that halves the size of a map."""
        module = DOWNSAMPLING[self.description.neck_downsampling]
        channels = channels or self.description.channels_of(below)
        self.row(name, self._source(below), 1, module, [channels, 3, 2])

    def concatenation(self, *names: str) -> None:
        """Write a row that joins maps by their channels; '' is the row before."""
        self.row('', [self._source(name) for name in names], 1, 'Concat', [1])

    def weighted_sum(self, *names: str, name: str = '') -> None:
        """Write a row that adds maps with learned weights; '' is the row before."""
        sources = [self._source(one) for one in names]
        self.row(name, sources, 1, 'WeightedFusion', [{'inputs': len(names)}])

    def stage(self, place: str) -> None:
        """Write the stage of a place."""
        channels = self.description.channels_of(place)
        for block in self.description.stages:
            if place in self.description.places_of(block):
                part = STAGES[block]
                self.row(place, -1, 2, part.module, [channels, *part.arguments_at(place)])
                return
        self.row(place, -1, 2, 'C3k2', [channels, *STOCK_ARGUMENTS[place]])

    def attention(self, place: str) -> None:
        """Write the attention of a place, named attention and the place."""
        module, options = ATTENTION[self.description.attention]
        arguments: Row = [self.description.channels_of(place), 1, 1]
        arguments += [dict(options)] if options else []
        self.row(f'attention {place}', self.named[place], 1, module, arguments)

    def _source(self, name: str) -> int:
        """Return the number of a row, -1 for the one before, as model files write it."""
        number = self.named[name] if name else -1
        return -1 if number == self.count - 1 else number

    def row(
        self, name: str, source: int | list[int], repeats: int, module: str, arguments: Row
    ) -> None:
        """Write one row; a name keeps its number."""
        if name:
            self.named[name] = self.count
        self.count += 1
        self.written.append([source, repeats, module, arguments])
