# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What can be wrong with the place that frames come from."""

from __future__ import annotations


class SourceError(ValueError):
    """Say which source gives no frames, why, and what to give instead."""
