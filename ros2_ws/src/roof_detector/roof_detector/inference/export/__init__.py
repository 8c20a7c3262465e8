# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A checkpoint becomes a file for another runtime: built whole, checked, or not at all."""
