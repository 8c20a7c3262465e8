# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Georeferencing: the position and attitude of a camera, and the ground that its pixels show."""
