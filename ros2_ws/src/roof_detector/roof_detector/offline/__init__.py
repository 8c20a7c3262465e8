# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Recorded flights through the detector, once more and exactly alike; no running ROS."""
