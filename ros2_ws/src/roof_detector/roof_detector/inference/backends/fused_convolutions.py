# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Convolutions that end with their activation, in one pass over memory, on a CPU."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn

from roof_detector.inference.quiet_ultralytics import import_quietly

_ACTIVATIONS = {nn.SiLU: 'swish', nn.ReLU: 'relu', nn.Identity: 'none'}


class FusedConvolution(nn.Module):
    """Run a convolution and its activation by oneDNN, with weights in the order it wants.

    torch's own convolution reorders the weights in each pass and leaves the activation to another
    pass over the result. These are the kernels that torch.compile takes as well, which needs a
    compiler at take-off. The weights are put in order for the first input's size; others are
    computed as exactly.
    """

    def __init__(self, convolution: nn.Conv2d, activation: str) -> None:
        super().__init__()
        self._weight: Any = convolution.weight.detach()
        self._bias = None if convolution.bias is None else convolution.bias.detach()
        self._geometry = (
            list(convolution.padding),
            list(convolution.stride),
            list(convolution.dilation),
            convolution.groups,
        )
        self._activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (n, channels, height, width)."""
        if not self._weight.is_mkldnn:
            self._weight = torch.ops.mkldnn._reorder_convolution_weight(
                self._weight, *self._geometry, list(x.shape)
            )
        result: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, self._weight, self._bias, *self._geometry, self._activation, [], ''
        )
        return result


@cache
def can_fuse_convolutions() -> bool:
    """Return whether this build of torch has these kernels, and whether they are correct here."""
    if not torch.backends.mkldnn.is_available():
        return False
    convolution = nn.Conv2d(4, 8, 3, padding=1).requires_grad_(False)  # noqa: FBT003
    x = torch.linspace(-2, 2, 4 * 8 * 8).view(1, 4, 8, 8)
    try:
        got = FusedConvolution(convolution, 'swish')(x)
    except (RuntimeError, AttributeError):
        return False
    return torch.allclose(got, nn.functional.silu(convolution(x)), atol=1e-4)


def fuse_convolutions(model: nn.Module) -> int:
    """Replace the convolutions of a model for a CPU; return how many.

    Only those are taken of which nothing but the result is used: in the pairs of convolution and
    activation that ultralytics builds everything of, and in sequences.
    """
    pair = import_quietly('ultralytics.nn.modules.conv').Conv
    count = 0
    for module in list(model.modules()):
        if isinstance(module, pair) and not hasattr(module, 'bn') and _is_plain(module.conv):
            activation = _ACTIVATIONS.get(type(module.act))
            if activation is not None:
                module.conv = FusedConvolution(module.conv, activation)
                module.act = nn.Identity()
                count += 1
        elif isinstance(module, nn.Sequential):
            for name, child in module.named_children():
                if _is_plain(child):
                    setattr(module, name, FusedConvolution(child, 'none'))
                    count += 1
    return count


def _is_plain(module: Any) -> TypeGuard[nn.Conv2d]:
    return (
        type(module) is nn.Conv2d
        and module.padding_mode == 'zeros'
        and not isinstance(module.padding, str)
    )
