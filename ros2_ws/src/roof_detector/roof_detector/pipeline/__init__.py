# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The frame pipeline: decode, preprocess, infer, postprocess; live and offline, without ROS."""
