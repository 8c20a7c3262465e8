# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Pixels and boxes: NumPy and OpenCV, no network and no ROS."""
