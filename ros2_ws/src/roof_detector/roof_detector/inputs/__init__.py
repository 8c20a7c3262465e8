# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Where frames come from: cameras, streams, videos, pictures and bags; no ROS."""
