# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What can be wrong with a measurement."""

from __future__ import annotations


class BenchError(RuntimeError):
    """Say why something could not be measured."""
