# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The errors of inputs that cannot be opened or read."""

from __future__ import annotations


class InputError(ValueError):
    """Report which input gives no frames, why, and what to give instead."""


class CaptureError(InputError):
    """Report why a live camera gives no image at this moment; it may come back."""
