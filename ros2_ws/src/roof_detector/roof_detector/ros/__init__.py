# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The ROS 2 shell: the only package that imports rclpy or a message package."""
