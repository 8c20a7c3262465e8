# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The one exception of this room."""

from __future__ import annotations


class BlocksError(ValueError):
    """Say what about a block, a model file or ultralytics does not fit, and how to mend it."""
