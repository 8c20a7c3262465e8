# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The model files of the package as descriptions."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from training.compose.description import Description

if TYPE_CHECKING:
    from collections.abc import Mapping

_NECK = ('t4', 't3', 'd4', 'd5')
_VARIANTS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        'ContextGuided': {'stages': {'ContextGuided': ()}},
        'ContextGuided-MSBlock': {
            'stages': {'MSBlock': ('b3', 'b4', 'b5'), 'ContextGuided': _NECK}
        },
        'ContextGuided-P2': {'stages': {'ContextGuided': ()}, 'head': 'p2'},
        'ContextGuidedDown': {
            'backbone_downsampling': 'context_guided',
            'neck_downsampling': 'context_guided',
        },
        'DyHead': {'head': 'dyhead'},
        'KALN': {'stages': {'KALN': ()}},
        'MSBlock': {'stages': {'MSBlock': ()}},
        'SnakeConv': {'stages': {'SnakeConv': ()}},
        'VSS': {'stages': {'VSS': ()}},
    }
)
_SEGMENT: Final = MappingProxyType(
    {'detect': 'segment', 'p2': 'p2-segment', 'dyhead': 'dyhead-segment'}
)


def zoo() -> dict[str, Description]:
    """Return a description for each model file of the package, by its stem."""
    found: dict[str, Description] = {}
    for name, values in _VARIANTS.items():
        one = Description.of(values)
        segment = Description.of({**values, 'head': _SEGMENT[one.head]})
        found |= {f'yolo11-{name}': one, f'yolo11-{name}-seg': segment}
    return found
