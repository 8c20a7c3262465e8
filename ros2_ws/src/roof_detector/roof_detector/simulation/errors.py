# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The exception of the simulation package."""

from __future__ import annotations


class SimulationError(ValueError):
    """A setting of the simulation is wrong; the message says which and what is expected."""
