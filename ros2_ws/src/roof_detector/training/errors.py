# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What can be wrong with a training run."""

from __future__ import annotations


class TrainingError(ValueError):
    """Say what is wrong with a configuration, a data set or a run, and what to do."""
