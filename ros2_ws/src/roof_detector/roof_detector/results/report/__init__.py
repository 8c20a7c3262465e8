# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The report of an inspection: one model of texts and images, as HTML and as PDF."""
