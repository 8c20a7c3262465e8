# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Threads that are watched, and when a part may be called healthy; ROS-free."""
