# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the ground station works on: dropped files and recorded flights, one after the other."""
