# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from roof_detector.station.context import StationContext


def build(context: StationContext) -> None:
    """Build the panel where the page has opened a place for it."""
