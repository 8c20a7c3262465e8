# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One detection as the page shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LiveFinding:
    """One detection of a flight; `box_xyxy` is in pixels of the source image.

    `number` counts the detections of a camera from 1.
    """

    number: int
    camera: str
    label: str
    confidence: float
    box_xyxy: tuple[float, float, float, float]
    stamp_ns: int

    @property
    def area_px(self) -> float:
        """Return the box's area in pixels."""
        left, top, right, bottom = self.box_xyxy
        return (right - left) * (bottom - top)
