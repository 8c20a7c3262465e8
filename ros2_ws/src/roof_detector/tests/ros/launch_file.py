# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the launch files start."""

from __future__ import annotations

from pathlib import Path

from roof_detector.launching.jobs import (
    CAMERA,
    DETECTOR,
    INSPECTOR,
    RECORDER,
    SIMULATED_FLIGHT,
    STATION,
)

PACKAGE = Path(__file__).parents[2]
JOBS = {
    job.name: job for job in (DETECTOR, CAMERA, SIMULATED_FLIGHT, RECORDER, INSPECTOR, STATION)
}
# The table of each node by its executable.
TABLES = {name: job.table for name, job in JOBS.items()}
NAMES = sorted(path.name for path in (PACKAGE / 'launch').glob('*.launch.*'))
