# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageTopic:
    """Hold what was seen of one image topic.

    `age_s` is the least age of a stamp on arrival, None where none was an age; `unstamped` counts
    images whose stamp cannot be one; `listeners` and `publishers` are full names of nodes;
    `reliabilities` is what the publishers offer.
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
