# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What goes wrong when telemetry is read."""

from __future__ import annotations


class TelemetryError(RuntimeError):
    """An error that tells which telemetry is missing or unusable, and what to do about it."""
