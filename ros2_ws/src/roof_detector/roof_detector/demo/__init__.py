# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The demo: runs every node as a process for one flight, and summarises its bag."""
