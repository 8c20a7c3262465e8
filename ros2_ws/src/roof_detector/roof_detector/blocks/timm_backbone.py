# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Backbones of timm (R. Wightman, PyTorch Image Models) as one row of a model file."""

from __future__ import annotations

import difflib
from typing import Any

import torch
from torch import nn

from roof_detector.blocks.errors import BlocksError
from roof_detector.blocks.registry import register

# More than any flies with; a file that names a larger one would only take the memory.
_MOST_WEIGHTS = 100_000_000


@register(stands_for='Conv', texts={'name': '[a-z][a-z0-9_]{0,63}'})
class TimmBackbone(nn.Module):
    """A network of timm without its classifier; its weights begin at random.

    x (b, c1, h, w) -> one map (b, c, h / s, w / s) for each s of `strides`, smallest first; h
    and w are multiples of the largest. The rows after it take them apart with `Index`. Nothing is
    ever downloaded: weights come from a checkpoint. Raises BlocksError for a network that timm
    does not have, or that has no maps of these strides.
    """

    def __init__(self, c1: int, *, name: str, strides: tuple[int, ...] = (8, 16, 32)) -> None:
        super().__init__()
        with torch.device('meta'):  # only to read its facts: no weights are made
            model = feature_network(name, in_channels=c1)
        weights = sum(one.numel() for one in model.parameters())
        if weights > _MOST_WEIGHTS:
            msg = (
                f'{name} has {weights / 1e6:.0f} million weights, at most '
                f'{_MOST_WEIGHTS / 1e6:.0f} are built; choose a smaller backbone.'
            )
            raise BlocksError(msg)
        reductions = model.feature_info.reduction()
        if absent := [stride for stride in strides if stride not in reductions]:
            msg = (
                f'{name} has maps of the strides {reductions}, but {absent} are needed; '
                'choose another backbone.'
            )
            raise BlocksError(msg)
        places = [reductions.index(stride) for stride in strides]
        channels, numbers = model.feature_info.channels(), model.feature_info.out_indices
        self.channels = [channels[place] for place in places]
        # The maps that timm returns by default do not begin with number 0 in every network.
        wanted = tuple(numbers[place] for place in places)
        self.model = feature_network(name, in_channels=c1, places=wanted)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the maps, smallest stride first."""
        return list(self.model(x))


def feature_network(
    name: str, *, in_channels: int = 3, places: tuple[int, ...] | None = None
) -> Any:
    """Return timm's network of a name, random weights, that returns its maps of features."""
    import timm  # noqa: PLC0415  (half a second, for models that have one)

    if not timm.is_model(name):
        close = difflib.get_close_matches(name, timm.list_models(), n=1)
        hint = f' Did you mean {close[0]}?' if close else ''
        msg = f'timm {timm.__version__} has no network {name!r}.{hint}'
        raise BlocksError(msg)
    options: dict[str, Any] = {} if places is None else {'out_indices': places}
    try:
        return timm.create_model(
            name, pretrained=False, features_only=True, in_chans=in_channels, **options
        )
    except (RuntimeError, AttributeError, TypeError, ValueError) as error:
        msg = f'{name} cannot be taken apart into maps ({error}); choose another backbone.'
        raise BlocksError(msg) from error
