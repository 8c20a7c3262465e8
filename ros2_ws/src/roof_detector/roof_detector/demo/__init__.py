# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A flight from take-off to its summary: the nodes as processes, and what their bag tells."""
