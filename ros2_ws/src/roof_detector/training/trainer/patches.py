# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Changes to ultralytics' trainer that no option offers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch
from ultralytics.engine import trainer
from ultralytics.utils import callbacks

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def patched_trainer() -> Iterator[None]:
    """Let ultralytics train in bfloat16 on a CPU too, and call no external service.

    Measured on 2 AVX-512-BF16 cores with YOLO11n at 384x640: 6 times faster than float32.
    """
    stock_autocast = vars(trainer)['autocast']
    stock_integrations = vars(callbacks)['add_integration_callbacks']

    def autocast(enabled: bool | torch.dtype, device: str = 'cuda') -> Any:  # noqa: FBT001
        if device == 'cpu' and enabled is torch.bfloat16:
            return torch.autocast('cpu', torch.bfloat16)
        return stock_autocast(enabled, device=device)

    def no_integrations(_: Any) -> None:
        """Add none of the callbacks that send a run's numbers to other machines."""

    vars(trainer)['autocast'] = autocast
    vars(callbacks)['add_integration_callbacks'] = no_integrations
    try:
        yield
    finally:
        vars(trainer)['autocast'] = stock_autocast
        vars(callbacks)['add_integration_callbacks'] = stock_integrations
