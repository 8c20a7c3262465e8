# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Many recorded inspections as one history: what to label, what a model changes, what drifts."""
