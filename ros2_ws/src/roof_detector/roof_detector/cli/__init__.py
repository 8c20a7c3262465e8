# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The command `roof_detector`: work on the ground, with or without a ROS graph."""
