# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The light attention modules of timm, as one row of a model file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from torch import nn

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.registry import register

if TYPE_CHECKING:
    import torch

# timm's key, and the paper that defines it. Gather and excite is not among them: timm 1.0.31
# cannot build it.
ATTENTION_KINDS: Final = {
    'se': 'squeeze and excitation (Hu et al., arXiv:1709.01507)',
    'ese': 'effective squeeze and excitation (Lee and Park, arXiv:1911.06667)',
    'eca': 'efficient channel attention (Wang et al., arXiv:1910.03151)',
    'gc': 'global context (Cao et al., arXiv:1904.11492)',
    'cbam': 'convolutional block attention (Woo et al., arXiv:1807.06521)',
    'lcbam': 'CBAM with average pooling alone, of timm',
    'coord': 'coordinate attention (Hou et al., arXiv:2103.02907)',
    'scoord': 'simplified coordinate attention, of timm',
    'ela': 'efficient local attention (Xu and Wan, arXiv:2403.01123)',
    'strip': 'strip attention, of timm',
}


@register(stands_for='Conv', texts={'kind': '|'.join(ATTENTION_KINDS)})
class TimmAttention(nn.Module):
    """Attention that weighs a map's channels or places and keeps its shape.

    x (b, c1, h, w) -> (b, c1, h, w). `kind` is a key of ATTENTION_KINDS.
    """

    def __init__(self, c1: int, c2: int, *, kind: str) -> None:
        super().__init__()
        from timm.layers.create_attn import create_attn  # noqa: PLC0415  (see timm_backbone.py)

        if kind not in ATTENTION_KINDS:
            msg = f'There is no attention {kind!r}; choose one of {", ".join(ATTENTION_KINDS)}.'
            raise BlocksError(msg)
        if c1 != c2:
            msg = f'Attention keeps its channels, but {c1} come in and {c2} are asked for.'
            raise BlocksError(msg)
        self.attention = create_attn(kind, c1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the weighted map, of the same shape."""
        y: torch.Tensor = self.attention(x)
        return y
