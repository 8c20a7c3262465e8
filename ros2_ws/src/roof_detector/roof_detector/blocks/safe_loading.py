# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Let `torch.load(weights_only=True)` rebuild the classes of this room, and no others."""

from __future__ import annotations

import sys

import torch
from torch import nn

_ROOM = __name__.rpartition('.')[0]


def allow_own_modules() -> None:
    """Add every nn.Module class of the imported block files to torch's allow-list.

    Checkpoints hold whole models. With the allow-list and ULTRALYTICS_SAFE_LOAD=1 they load
    without running anything but the constructors of known layers.
    """
    torch.serialization.add_safe_globals(list(own_modules()))


def own_modules() -> tuple[type[nn.Module], ...]:
    """Return the nn.Module classes that the imported block files define."""
    files = [file for name, file in sys.modules.items() if name.startswith(f'{_ROOM}.')]
    return tuple(
        value
        for file in files
        for value in vars(file).values()
        if isinstance(value, type)
        and issubclass(value, nn.Module)
        and value.__module__ == file.__name__
    )
