# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The exception of the simulation room."""

from __future__ import annotations


class SimulationError(ValueError):
    """Say in a sentence which setting of the simulation is wrong and what is expected."""
