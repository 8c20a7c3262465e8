# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What one confidence gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class OperatingPoint:
    """Count what is right, wrong and missed when scores above `confidence` are kept."""

    confidence: float
    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float | None:
        """Return which part of what was found is there; None when nothing was found."""
        found = self.right + self.wrong
        return self.right / found if found else None

    @property
    def recall(self) -> float | None:
        """Return which part of what is there was found; None when nothing is there."""
        there = self.right + self.missed
        return self.right / there if there else None

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall."""
        twice = 2 * self.right
        return twice / (twice + self.wrong + self.missed) if twice else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON takes it."""
        return {
            'confidence': self.confidence,
            'precision': self.precision,
            'recall': self.recall,
            'f1': self.f1,
            'right': self.right,
            'wrong': self.wrong,
            'missed': self.missed,
        }
