# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What is wrong with what a launch file was given."""

from __future__ import annotations


class LaunchError(ValueError):
    """Report which argument or parameter file cannot be used, why, and what to give instead."""
