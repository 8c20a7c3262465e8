# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The parts that a description combines, each by its name with what it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from roof_detector.blocks.library_stage import LIBRARY_BLOCKS
from roof_detector.blocks.timm_attention import ATTENTION_KINDS
from training.box_losses import SIMILARITIES, STOCK_LOSS
from training.class_losses import CLASS_LOSSES as OWN_CLASS_LOSSES
from training.class_losses import STOCK_CLASS_LOSS

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where a stage stands: b in the backbone, t in the neck's way from the top, d in its way back
# down; the number is the level, of stride 2 to its power. The neck gfpn has t5 too.
BACKBONE_PLACES: Final = ('b2', 'b3', 'b4', 'b5')
NECK_PLACES: Final = ('t5', 't4', 't3', 't2', 'd3', 'd4', 'd5')
PLACES: Final = (*BACKBONE_PLACES, *NECK_PLACES)
# Channels before the scale's width, and the further arguments of the stock stage C3k2.
STAGE_CHANNELS: Final[Mapping[str, int]] = MappingProxyType(
    {'b2': 256, 'b3': 512, 'b4': 512, 'b5': 1024, 't5': 1024, 't4': 512, 't3': 256, 't2': 128,
     'd3': 256, 'd4': 512, 'd5': 1024}
)  # fmt: skip
# The neck bifpn has the same channels everywhere: sums need maps of one shape.
BIFPN_CHANNELS: Final = 256
STOCK_ARGUMENTS: Final[Mapping[str, tuple[Any, ...]]] = MappingProxyType(
    {'b2': (False, 0.25), 'b3': (False, 0.25), 'b4': (True,), 'b5': (True,), 't5': (True,),
     't4': (False,), 't3': (False,), 't2': (False,), 'd3': (False,), 'd4': (False,), 'd5': (True,)}
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class StagePart:
    """A stage block: its row's module and arguments, and the places where it stands by default.

    Where `arguments` has no entry for a place, those of the stock stage are taken.
    """

    module: str
    places: tuple[str, ...]
    arguments: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def arguments_at(self, place: str) -> list[Any]:
        """Return the arguments of the row at a place, without the channels that come first."""
        return list(self.arguments.get(place, STOCK_ARGUMENTS[place]))


def _ms_block(kernel: int) -> tuple[Any, ...]:
    return ({'kernel_sizes': [1, kernel, kernel], 'in_down_ratio': 2},)


def _library_stage(kind: str) -> StagePart:
    arguments = {place: (*STOCK_ARGUMENTS[place], {'kind': kind}) for place in PLACES}
    return StagePart(module='LibraryStage', places=_NOT_FIRST, arguments=arguments)


_NOT_FIRST = tuple(place for place in PLACES if place not in ('b2', 't2'))
STAGES: Final[Mapping[str, StagePart]] = MappingProxyType(
    {
        'ContextGuided': StagePart(module='C3k2_ContextGuided', places=_NOT_FIRST),
        'MSBlock': StagePart(
            module='MSBlock',
            places=BACKBONE_PLACES,
            # Kernels grow with the stride, as in the paper; in the neck they are those of b3.
            arguments={
                'b2': _ms_block(3), 'b3': _ms_block(5), 'b4': _ms_block(7), 'b5': _ms_block(9),
                **dict.fromkeys(NECK_PLACES, _ms_block(5)),
            },
        ),
        'VSS': StagePart(
            module='C3k2_VSS',
            places=('b4', 'b5'),
            arguments=dict.fromkeys(PLACES, (False,)),
        ),
        'SnakeConv': StagePart(module='C3k2_SnakeConv', places=('t3',)),
        'KALN': StagePart(
            module='C3k2_KALN',
            places=('b5', 'd5'),
            arguments=dict.fromkeys(PLACES, (False, 0.25)),
        ),
        **{kind: _library_stage(kind) for kind in LIBRARY_BLOCKS},
    }
)  # fmt: skip

# Row modules and options of attention at the head's inputs.
ATTENTION: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = MappingProxyType(
    {
        **{kind: ('TimmAttention', {'kind': kind}) for kind in ATTENTION_KINDS},
        'simam': ('SimAM', {}),
        'lska': ('LSKA', {}),
        'ema': ('EMA', {}),
    }
)
NECKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        'pan': 'the neck of YOLO11 (PANet, Liu et al., arXiv:1803.01534)',
        'bifpn': 'weighted sums, and a way past the middle (EfficientDet, arXiv:1911.09070)',
        'gfpn': 'each node sees both neighbours (DAMO-YOLO, arXiv:2211.15444, of GiraffeDet)',
        'asf': 'triple encoding and a sequence of scales (ASF-YOLO, arXiv:2312.06458)',
    }
)
# A row's module; None is torch's nn.Upsample with the mode of that name.
UPSAMPLING: Final[Mapping[str, str | None]] = MappingProxyType(
    {'nearest': None, 'bilinear': None, 'dysample': 'DySample', 'carafe': 'CARAFE'}
)
DOWNSAMPLING: Final[Mapping[str, str]] = MappingProxyType(
    {'conv': 'Conv', 'spd': 'SPDConv', 'context_guided': 'ContextGuidedDown'}
)
# A head's row module, its arguments, and whether it has an output at stride 4 too.
HEADS: Final[Mapping[str, tuple[str, tuple[Any, ...], bool]]] = MappingProxyType(
    {
        'detect': ('Detect', ('nc',), False),
        'segment': ('Segment', ('nc', 32, 256), False),
        'obb': ('OBB', ('nc', 1), False),
        'dyhead': ('DyHeadDetect', ('nc',), False),
        'dyhead-segment': ('DyHeadSegment', ('nc', 32, 256), False),
        'p2': ('Detect', ('nc',), True),
        'p2-segment': ('Segment', ('nc', 32, 256), True),
        'p2-obb': ('OBB', ('nc', 1), True),
    }
)
SCALES: Final[Mapping[str, tuple[float, float, int]]] = MappingProxyType(
    {
        'n': (0.50, 0.25, 1024),
        's': (0.50, 0.50, 1024),
        'm': (0.50, 1.00, 512),
        'l': (1.00, 1.00, 512),
        'x': (1.00, 1.50, 512),
    }
)
BOX_LOSSES: Final = (STOCK_LOSS, *SIMILARITIES)
CLASS_LOSSES: Final = (STOCK_CLASS_LOSS, *OWN_CLASS_LOSSES)
