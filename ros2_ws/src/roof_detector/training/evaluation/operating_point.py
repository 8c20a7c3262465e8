# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The counts at one confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """Right, wrong and missed when predictions above `confidence` are kept."""

    confidence: float
    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float | None:
        """Return the share of predictions that are right; None without predictions."""
        found = self.right + self.wrong
        return self.right / found if found else None

    @property
    def recall(self) -> float | None:
        """Return the share of targets that were predicted; None without targets."""
        there = self.right + self.missed
        return self.right / there if there else None

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall."""
        twice = 2 * self.right
        return twice / (twice + self.wrong + self.missed) if twice else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            'confidence': self.confidence,
            'precision': self.precision,
            'recall': self.recall,
            'f1': self.f1,
            'right': self.right,
            'wrong': self.wrong,
            'missed': self.missed,
        }
