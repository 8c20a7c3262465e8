# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The error of findings."""

from __future__ import annotations


class FindingsError(RuntimeError):
    """Report which track, register or store is unusable, and what to do about it."""
