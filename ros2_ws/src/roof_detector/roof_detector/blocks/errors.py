# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The one exception of this package."""

from __future__ import annotations


class BlocksError(ValueError):
    """A block, a model file or ultralytics does not fit; the message says why and what to do."""
