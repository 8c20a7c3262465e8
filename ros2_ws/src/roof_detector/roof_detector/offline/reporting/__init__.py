# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""From the store of an inspection to its report: figures, images, plan and files."""
