# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The exception of the room of places on Earth."""

from __future__ import annotations


class GeoError(ValueError):
    """Say which place, lens or track is unusable, and what is expected."""
