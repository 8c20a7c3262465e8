# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The error of offline work on recordings and results."""

from __future__ import annotations


class ReplayError(RuntimeError):
    """Report what cannot be done with a recording or results, why, and what to do instead."""


def one_line(error: Exception) -> str:
    """Return the message of an error as one line."""
    return ' '.join(str(error).split())
