# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Errors of measurements."""

from __future__ import annotations


class BenchError(RuntimeError):
    """Something could not be measured; the message says why."""
