# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The error of a training run."""

from __future__ import annotations


class TrainingError(ValueError):
    """A configuration, a data set or a run is wrong; the message says what to do."""
