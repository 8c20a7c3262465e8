# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The custom network blocks; this import registers them with ultralytics."""

from __future__ import annotations

import importlib
import pkgutil

import roof_detector.blocks.quiet_import  # noqa: F401  (must precede ultralytics)
from roof_detector.blocks.context_guided import (
    C3k2_ContextGuided,
    ContextGuidedBlock,
    ContextGuidedDown,
)
from roof_detector.blocks.deformable_convolution import modulated_deform_conv2d
from roof_detector.blocks.dyhead_block import DyHeadBlock
from roof_detector.blocks.dyhead_heads import DyHeadDetect, DyHeadSegment
from roof_detector.blocks.dynamic_relu import DyReLU
from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.kaln import C3k2_KALN, KALNConv1d, KALNConv2d, KALNConv3d
from roof_detector.blocks.ms_block import MSBlock
from roof_detector.blocks.parser import install
from roof_detector.blocks.scan.selective_scan import selective_scan
from roof_detector.blocks.scan.ss2d import SS2D
from roof_detector.blocks.scan.vss_block import C3k2_VSS, VSSBlock
from roof_detector.blocks.snake_convolution import DySnakeConv, SnakeConv
from roof_detector.blocks.snake_stage import C3k2_SnakeConv

__all__ = [
    'SS2D',
    'BlocksError',
    'C3k2_ContextGuided',
    'C3k2_KALN',
    'C3k2_SnakeConv',
    'C3k2_VSS',
    'ContextGuidedBlock',
    'ContextGuidedDown',
    'DyHeadBlock',
    'DyHeadDetect',
    'DyHeadSegment',
    'DyReLU',
    'DySnakeConv',
    'KALNConv1d',
    'KALNConv2d',
    'KALNConv3d',
    'MSBlock',
    'SnakeConv',
    'VSSBlock',
    'modulated_deform_conv2d',
    'selective_scan',
]

# A new file with a registered block is found automatically; the imports above only export names.
for _file in pkgutil.iter_modules(__path__):
    if not _file.ispkg:
        importlib.import_module(f'{__name__}.{_file.name}')

install()
