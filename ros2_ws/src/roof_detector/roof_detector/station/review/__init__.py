# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The review of inspections: findings beside a map, their sightings, and decisions."""
