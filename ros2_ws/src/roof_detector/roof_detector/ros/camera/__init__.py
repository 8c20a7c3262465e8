# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The camera and simulated_flight nodes: images of files, devices, streams and simulation."""
