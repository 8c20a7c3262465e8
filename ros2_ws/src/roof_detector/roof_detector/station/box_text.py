# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Boxes as text on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_NO_BREAK = '\u00a0'


def box_text(box_xyxy: Iterable[float]) -> str:
    """Return a box as "left, top → right, bottom" in whole pixels; it breaks after the arrow."""
    left, top, right, bottom = (round(side) for side in box_xyxy)
    return f'{left},{_NO_BREAK}{top}{_NO_BREAK}→ {right},{_NO_BREAK}{bottom}'
