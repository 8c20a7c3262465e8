# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The error of a fleet."""

from __future__ import annotations


class FleetError(RuntimeError):
    """Report which catalog, store, question or worker is unusable, and what to do about it."""
