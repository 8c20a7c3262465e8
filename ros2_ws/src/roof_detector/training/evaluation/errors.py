# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The error of an evaluation."""

from __future__ import annotations


class EvaluationError(ValueError):
    """The data or the options of an evaluation are wrong; the message says what to do."""
