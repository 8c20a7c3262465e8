# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The C3k2 stage of YOLO11 around building blocks of timm and torchvision."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from torch import nn

from roof_detector.blocks.c3k2_stage import C3k2Stage
from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.registry import register

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class LibraryBlock:
    """A block of a library: where its class is, its paper, and how it is built.

    `channels` is how often the number of channels comes first in the constructor.
    """

    module: str
    name: str
    paper: str
    channels: int = 1
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


# Options are the published ones of the smallest networks. Scales of residuals begin at 1: the
# published 1e-6 are for networks of a hundred layers.
LIBRARY_BLOCKS: Final[Mapping[str, LibraryBlock]] = MappingProxyType(
    {
        'convnext': LibraryBlock(
            module='timm.models.convnext', name='ConvNeXtBlock', paper='arXiv:2201.03545',
            options={'conv_mlp': True, 'ls_init_value': None},
        ),
        'mobilenet': LibraryBlock(
            module='timm.models._efficientnet_blocks', name='InvertedResidual', channels=2,
            paper='arXiv:1801.04381', options={'exp_ratio': 2.0},
        ),
        'universal': LibraryBlock(
            module='timm.models._efficientnet_blocks', name='UniversalInvertedResidual',
            channels=2, paper='MobileNetV4, arXiv:2404.10518',
            options={'dw_kernel_size_start': 3, 'exp_ratio': 2.0},
        ),
        'starnet': LibraryBlock(
            module='timm.models.starnet', name='Block', paper='arXiv:2403.19967'
        ),
        'repvit': LibraryBlock(
            module='timm.models.repvit', name='RepViTBlock', paper='arXiv:2307.09283',
            arguments=(2, 3, True, nn.GELU),
        ),
        'inception_next': LibraryBlock(
            module='timm.models.inception_next', name='MetaNeXtBlock', paper='arXiv:2303.16900',
            options={'mlp_ratio': 2, 'ls_init_value': None},
        ),
        'fasternet': LibraryBlock(
            module='timm.models.fasternet', name='MLPBlock', paper='arXiv:2303.03667',
            arguments=(4, 2.0, 0.0, 0.0),
        ),
        'repmixer': LibraryBlock(
            module='timm.models.fastvit', name='RepMixerBlock', paper='FastViT, arXiv:2303.14189',
            options={'mlp_ratio': 2.0, 'layer_scale_init_value': 1.0},
        ),
        'resnet': LibraryBlock(
            module='timm.models.resnet', name='BasicBlock', channels=2, paper='arXiv:1512.03385'
        ),
        'shufflenet': LibraryBlock(
            module='torchvision.models.shufflenetv2', name='InvertedResidual', channels=2,
            paper='ShuffleNetV2, arXiv:1807.11164', arguments=(1,),
        ),
    }
)  # fmt: skip


@register(stands_for='C3k2', texts={'kind': '|'.join(LIBRARY_BLOCKS)})
class LibraryStage(C3k2Stage):
    """Ultralytics' C3k2 stage with a library's blocks instead of bottlenecks.

    x (b, c1, h, w) -> (b, c2, h, w). `kind` is a key of LIBRARY_BLOCKS.
    """

    def __init__(
        self,
        c1: int,
        c2: int,
        n: int = 1,
        *,
        c3k: bool = False,
        e: float = 0.5,
        kind: str,
    ) -> None:
        super().__init__(c1, c2, n, c3k=c3k, e=e, inner=lambda c: library_block(kind, c))


def library_block(kind: str, channels: int) -> nn.Module:
    """Return a block that keeps its channels; raise BlocksError if there is none of that kind."""
    known = LIBRARY_BLOCKS.get(kind)
    if known is None:
        msg = f'There is no block {kind!r}; choose one of {", ".join(LIBRARY_BLOCKS)}.'
        raise BlocksError(msg)
    build = getattr(importlib.import_module(known.module), known.name)
    try:
        block: nn.Module = build(*[channels] * known.channels, *known.arguments, **known.options)
    except (ValueError, ZeroDivisionError) as error:
        msg = f'{known.name} cannot have {channels} channels ({error}); choose another block.'
        raise BlocksError(msg) from error
    return block
