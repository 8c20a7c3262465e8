# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A run's curves for TensorBoard, if that is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ultralytics.utils import LOGGER

if TYPE_CHECKING:
    from pathlib import Path


class TensorBoardLog:
    """A writer of losses, rates and metrics of each epoch beside the run's other files."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  (optional)
        except ImportError:
            LOGGER.info(
                'TensorBoard is not installed, so only results.csv is written. For both: '
                'pip install tensorboard.'
            )
            self._writer: Any = None
        else:
            self._writer = SummaryWriter(str(folder))

    def write(self, trainer: Any) -> None:
        """Write the values of the trainer at the end of an epoch."""
        if self._writer is None:
            return
        losses = trainer.label_loss_items(trainer.tloss, prefix='train')
        for name, value in {**losses, **trainer.metrics, **trainer.lr}.items():
            self._writer.add_scalar(name, value, trainer.epoch + 1)

    def close(self) -> None:
        """Write what is pending."""
        if self._writer is not None:
            self._writer.close()
