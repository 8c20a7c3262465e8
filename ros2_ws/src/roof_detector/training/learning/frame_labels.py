# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A frame with its labels, as it travels between the selection and the labelling tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Corners are kept in hundredths of a pixel, which every format holds exactly.
DECIMALS = 2


@dataclass(frozen=True, kw_only=True)
class LabelBox:
    """One object: its class and corners in pixels of the whole image.

    `confidence` is that of the model, 1 for what a person decided; `finding` is the number of its
    finding, 0 for none. Both are None in labels that a tool gave back.
    """

    class_name: str
    box_xyxy: tuple[float, float, float, float]
    confidence: float | None = None
    finding: int | None = None

    @property
    def stated(self) -> tuple[str, tuple[float, float, float, float]]:
        """Return what a label is: class and box."""
        return self.class_name, self.box_xyxy


@dataclass(frozen=True, kw_only=True)
class FrameLabels:
    """An image by its file name, its size in pixels, and its labels."""

    name: str
    size_wh: tuple[int, int]
    boxes: tuple[LabelBox, ...]

    @property
    def stem(self) -> str:
        """Return the name without its suffix."""
        return self.name.rpartition('.')[0]


def label_box(
    class_name: str,
    corners: Sequence[float],
    size_wh: tuple[int, int],
    *,
    confidence: float | None = None,
    finding: int | None = None,
) -> LabelBox | None:
    """Return a box inside its image in whole hundredths of pixels, None if nothing is left."""
    limits = (*size_wh, *size_wh)
    left, top, right, bottom = (
        round(min(max(float(value), 0.0), float(limit)), DECIMALS)
        for value, limit in zip(corners, limits, strict=True)
    )
    if right <= left or bottom <= top:
        return None
    return LabelBox(
        class_name=class_name,
        box_xyxy=(left, top, right, bottom),
        confidence=None if confidence is None else round(confidence, 4),
        finding=finding,
    )
