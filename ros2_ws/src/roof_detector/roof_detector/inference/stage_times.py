# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How long each stage of a detection took."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StageTimes:
    """The seconds that one image spent in each stage."""

    letterbox_s: float = 0.0
    forward_s: float = 0.0
    suppression_s: float = 0.0

    @property
    def total_s(self) -> float:
        """Return the seconds from image to detections."""
        return self.letterbox_s + self.forward_s + self.suppression_s
