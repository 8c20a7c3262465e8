# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A score of an untrained network (Mellor et al., "NASWOT", ICML 2021, arXiv:2006.04647)."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import nn

# Modules whose input's sign says in which linear region an image lies; of the smooth ones it is
# the sign that decides too.
_ACTIVATIONS: Final = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.SiLU, nn.GELU, nn.Hardswish,
)  # fmt: skip


def linear_regions(network: Any, images: torch.Tensor) -> float:
    """Return the logarithm of the determinant of the kernel of activation codes (equation 2).

    Two images of (b, 3, h, w) with the same code at every unit lie in one linear region, and a
    network that cannot tell images apart before training learns less. The kernel is divided by
    the number of units here, so that a wide network is not ahead by its width alone: the score is
    0 for codes that have nothing in common and falls without end for codes that agree.
    """
    network.eval()
    kernel = torch.zeros(len(images), len(images), dtype=torch.float64)
    units = 0

    def add(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        nonlocal units, kernel
        codes = (inputs[0].reshape(len(images), -1) > 0).double()
        kernel += codes @ codes.T + (1 - codes) @ (1 - codes).T
        units += codes.shape[1]

    hooks = [
        module.register_forward_pre_hook(add)
        for module in {id(one): one for one in network.modules()}.values()
        if isinstance(module, _ACTIVATIONS)
    ]
    try:
        with torch.no_grad():
            network(images)
    finally:
        for hook in hooks:
            hook.remove()
    # Of codes that are equal everywhere the determinant is 0.
    sign, logarithm = torch.linalg.slogdet(kernel / max(units, 1))
    return float(logarithm) if sign > 0 else float('-inf')
