# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What the parts and the whole cost on this machine, measured as ratios within one run."""
