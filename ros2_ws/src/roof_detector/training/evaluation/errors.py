# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What can be wrong with an evaluation."""

from __future__ import annotations


class EvaluationError(ValueError):
    """Say what is wrong with the data or the options of an evaluation, and what to do."""
