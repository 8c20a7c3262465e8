# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The error of this package."""

from __future__ import annotations


class LearningError(RuntimeError):
    """Labels or models cannot be used as asked; the message says what to do."""
