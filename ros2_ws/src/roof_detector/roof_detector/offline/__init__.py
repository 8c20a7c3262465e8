# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Offline work on recordings: detect, export, rethreshold and compare, without a running ROS."""
