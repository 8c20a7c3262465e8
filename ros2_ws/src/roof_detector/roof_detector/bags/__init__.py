# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Bags: recording, reading and recovering flights, without a running ROS."""
