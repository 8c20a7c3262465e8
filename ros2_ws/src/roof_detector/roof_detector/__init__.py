# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Find rooftop equipment and defects in drone pictures: on board, live, and after the flight."""

__version__ = '0.1.0'
