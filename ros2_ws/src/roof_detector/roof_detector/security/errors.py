# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations


class SecurityError(ValueError):
    """Report what about keys or permissions is wrong, and what to do about it."""
