# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What can be wrong with a replay."""

from __future__ import annotations


class ReplayError(RuntimeError):
    """Say what about a replay cannot be done, why, and what to do instead."""


def one_line(error: Exception) -> str:
    """Return the message of an error as one line."""
    return ' '.join(str(error).split())
