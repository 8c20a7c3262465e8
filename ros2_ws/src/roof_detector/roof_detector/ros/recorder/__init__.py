# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The recorder node: a rosbag2 bag of what the other nodes publish."""
