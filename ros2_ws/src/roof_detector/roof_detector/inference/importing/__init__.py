# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Foreign checkpoints become data: read in a confined process, checked, and built again."""
