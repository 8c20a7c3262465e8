# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The error of a demo flight."""

from __future__ import annotations


class FlightError(RuntimeError):
    """Report why a flight could not be flown or summarised."""
