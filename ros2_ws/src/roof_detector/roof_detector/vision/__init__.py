# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Images and boxes as NumPy arrays: decoding, letterbox, NMS, masks, tiles, drawing; no ROS."""
