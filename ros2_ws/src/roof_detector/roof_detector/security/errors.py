# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The error of the security package."""

from __future__ import annotations


class SecurityError(ValueError):
    """Keys or permissions are wrong; the message says what is wrong and what to do."""
