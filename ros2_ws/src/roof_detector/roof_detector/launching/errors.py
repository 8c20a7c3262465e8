# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Errors in the arguments of a launch file."""

from __future__ import annotations


class LaunchError(ValueError):
    """An argument or parameter file is invalid; the message says why and what is valid."""
