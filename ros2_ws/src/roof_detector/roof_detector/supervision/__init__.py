# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Supervision of threads, and the rule by which a part is reported healthy; free of ROS."""
