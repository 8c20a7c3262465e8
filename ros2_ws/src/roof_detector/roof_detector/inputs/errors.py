# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The error of inputs that cannot be opened or read."""

from __future__ import annotations


class InputError(ValueError):
    """Report which input gives no frames, why, and what to give instead."""
