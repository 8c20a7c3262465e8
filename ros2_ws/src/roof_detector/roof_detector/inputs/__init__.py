# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Where frames come from: image files, videos, bags, cameras and streams; no ROS.

`open_input` opens any of them to play it, `open_recording` opens a recorded one to read each of
its frames once. Both return the same family of classes, which begins with `Input`.
"""
