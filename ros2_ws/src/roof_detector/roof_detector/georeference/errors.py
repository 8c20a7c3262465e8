# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The error of georeferencing."""

from __future__ import annotations


class GeoError(ValueError):
    """Report which position, lens or track is unusable, and what is expected."""
