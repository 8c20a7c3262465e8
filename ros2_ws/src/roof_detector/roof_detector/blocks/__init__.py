# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The custom network blocks, and their registration with ultralytics, done by this import."""

from __future__ import annotations

import roof_detector.blocks.offline  # noqa: F401  (must precede ultralytics)
from roof_detector.blocks.context_guided import (
    C3k2_ContextGuided,
    ContextGuidedBlock,
    ContextGuidedDown,
)
from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.kaln import C3k2_KALN, KALNConv1d, KALNConv2d, KALNConv3d
from roof_detector.blocks.ms_block import MSBlock
from roof_detector.blocks.parser import install
from roof_detector.blocks.safe_loading import allow_own_modules

__all__ = [
    'BlocksError',
    'C3k2_ContextGuided',
    'C3k2_KALN',
    'ContextGuidedBlock',
    'ContextGuidedDown',
    'KALNConv1d',
    'KALNConv2d',
    'KALNConv3d',
    'MSBlock',
]

install()
allow_own_modules()
