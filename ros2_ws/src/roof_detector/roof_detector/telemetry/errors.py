# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The error of telemetry that cannot be read."""

from __future__ import annotations


class TelemetryError(RuntimeError):
    """Report which telemetry is missing or unusable, and what to do about it."""
