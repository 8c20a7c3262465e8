# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations


class StationError(ValueError):
    """Report what the ground station refuses, why, and what to do about it.

    `status` is what HTTP answers a request with that is refused for this.
    """

    def __init__(self, sentence: str, *, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status
