# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The errors of the ground station."""

from __future__ import annotations


class StationError(ValueError):
    """The ground station refuses a request; the message says why and what to do about it.

    `status` is the HTTP status of the response.
    """

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
