# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The rows of ultralytics' model file for a description."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from training.compose.backbones import OWN
from training.compose.parts import (
    ATTENTION,
    DOWNSAMPLING,
    HEADS,
    SCALES,
    STAGE_CHANNELS,
    STAGES,
    STOCK_ARGUMENTS,
)

if TYPE_CHECKING:
    from training.compose.description import Description

Row = list[Any]


def model_rows(description: Description) -> dict[str, Any]:
    """Return what a model file of ultralytics holds, for 80 classes and all scales."""
    rows = _Rows(description)
    backbone = rows.backbone()
    return {
        'nc': 80,
        'scales': {name: list(values) for name, values in SCALES.items()},
        'backbone': backbone,
        'head': rows.head(),
    }


@dataclass
class _Rows:
    """Rows that are written one after another; `named` gives the number of those used later."""

    description: Description
    count: int = 0
    named: dict[str, int] = field(default_factory=dict)

    def backbone(self) -> list[Row]:
        if self.description.backbone != OWN:
            return self._timm_backbone()
        down = DOWNSAMPLING[self.description.backbone_downsampling]
        rows = [
            self._row('p1', -1, 1, 'Conv', [64, 3, 2]),
            self._row('p2', -1, 1, 'Conv', [128, 3, 2]),
        ]
        for level, channels in ((2, 128), (3, 256), (4, 512), (5, 1024)):
            if level > 2:
                rows.append(self._row(f'p{level}', -1, 1, down, [channels, 3, 2]))
            rows.append(self._stage(f'b{level}'))
        return [*rows, *self._top()]

    def _timm_backbone(self) -> list[Row]:
        levels = (2, 3, 4, 5) if self.description.has_p2 else (3, 4, 5)
        options = {'name': self.description.backbone, 'strides': [2**level for level in levels]}
        rows = [self._row('timm', -1, 1, 'TimmBackbone', [64, 3, 2, options])]
        for place, level in enumerate(levels):
            channels = feature_channels(self.description.backbone, 2**level)
            rows.append(self._row(f'b{level}', self.named['timm'], 1, 'Index', [channels, place]))
        return [*rows, *self._top()]

    def _top(self) -> list[Row]:
        return [
            self._row('sppf', -1, 1, 'SPPF', [1024, 5]),
            self._row('top', -1, 2, 'C2PSA', [1024]),
        ]

    def head(self) -> list[Row]:
        lowest = 2 if self.description.has_p2 else 3
        rows: list[Row] = []
        above = 'top'
        for level in range(4, lowest - 1, -1):
            rows.append(self._upsampling(above))
            rows.append(self._row('', [-1, self.named[f'b{level}']], 1, 'Concat', [1]))
            rows.append(self._stage(f't{level}'))
            above = f't{level}'
        inputs = [above]
        for level in range(lowest + 1, 6):
            down = DOWNSAMPLING[self.description.neck_downsampling]
            channels = STAGE_CHANNELS[inputs[-1]]
            rows.append(self._row('', -1, 1, down, [channels, 3, 2]))
            beside = self.named['top' if level == 5 else f't{level}']
            rows.append(self._row('', [-1, beside], 1, 'Concat', [1]))
            rows.append(self._stage(f'd{level}'))
            inputs.append(f'd{level}')
        if self.description.attention != 'none':
            rows += [self._attention(place) for place in inputs]
            inputs = [f'attention {place}' for place in inputs]
        module, arguments, _ = HEADS[self.description.head]
        sources = [self.named[place] for place in inputs]
        rows.append(self._row('head', sources, 1, module, list(arguments)))
        return rows

    def _upsampling(self, above: str) -> Row:
        kind = self.description.upsampling
        if kind == 'dysample':
            channels = STAGE_CHANNELS.get(above, 1024)
            return self._row('', -1, 1, 'DySample', [channels, 1, 1])
        return self._row('', -1, 1, 'nn.Upsample', ['None', 2, kind])

    def _stage(self, place: str) -> Row:
        for block in self.description.stages:
            if place in self.description.places_of(block):
                part = STAGES[block]
                return self._row(place, -1, 2, part.module, part.arguments_at(place))
        stock = [STAGE_CHANNELS[place], *STOCK_ARGUMENTS[place]]
        return self._row(place, -1, 2, 'C3k2', stock)

    def _attention(self, place: str) -> Row:
        module, options = ATTENTION[self.description.attention]
        arguments: Row = [STAGE_CHANNELS[place], 1, 1]
        arguments += [dict(options)] if options else []
        source = self.named[place]
        return self._row(f'attention {place}', source, 1, module, arguments)

    def _row(
        self, name: str, source: int | list[int], repeats: int, module: str, arguments: Row
    ) -> Row:
        if name:
            self.named[name] = self.count
        self.count += 1
        return [source, repeats, module, arguments]


def feature_channels(name: str, stride: int) -> int:
    """Return the channels of a timm backbone's map of a stride."""
    from roof_detector.blocks.timm_backbone import feature_network  # noqa: PLC0415

    features = feature_network(name).feature_info
    return int(features.channels()[features.reduction().index(stride)])
