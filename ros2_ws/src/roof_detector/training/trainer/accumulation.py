# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Gradient accumulation: the optimizer steps after several batches."""

from __future__ import annotations


class Accumulation:
    """The count of batches in an epoch, which tells after which the optimizer steps.

    `batches` gradients are added up per step, fewer at the end of an epoch, so that nothing is
    pending between two epochs. During warm-up the number rises from 1, as in ultralytics.
    """

    def __init__(self) -> None:
        self._done = 0
        self._pending = 0

    def begin_epoch(self) -> None:
        """Reset the count."""
        self._done = self._pending = 0

    def steps_now(self, *, epoch: int, epoch_batches: int, warmup: int, batches: int) -> bool:
        """Count a batch, and return whether the optimizer steps after it."""
        number = epoch * epoch_batches + self._done
        share = min(number / warmup, 1.0) if warmup else 1.0
        self._done += 1
        self._pending += 1
        due = max(round(1 + share * (batches - 1)), 1)
        if self._pending < due and self._done < epoch_batches:
            return False
        self._pending = 0
        return True
