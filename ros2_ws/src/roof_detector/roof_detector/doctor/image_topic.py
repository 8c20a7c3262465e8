# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What was observed on one image topic."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ImageTopic:
    """An image topic as observed for a few seconds.

    `age_s` is the smallest age of a stamp on arrival, None if no stamp was valid; `unstamped`
    counts images without a valid stamp; `publishers` and `listeners` are full names of nodes;
    `reliabilities` are those that the publishers offer.
    """

    name: str
    type_name: str
    publishers: tuple[str, ...]
    reliabilities: tuple[str, ...]
    listeners: tuple[str, ...]
    received: int
    rate_hz: float
    largest_bytes: int
    age_s: float | None
    unstamped: int = 0
