# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""How the page writes a box."""

from __future__ import annotations

from collections.abc import Iterable

_NO_BREAK = '\u00a0'


def box_text(box_xyxy: Iterable[float]) -> str:
    """Return left, top, right and bottom in whole pixels; a narrow cell breaks at the arrow."""
    left, top, right, bottom = (round(side) for side in box_xyxy)
    return f'{left},{_NO_BREAK}{top}{_NO_BREAK}→ {right},{_NO_BREAK}{bottom}'
