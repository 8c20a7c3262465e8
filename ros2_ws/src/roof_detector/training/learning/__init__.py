# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Corrections become better models: frames to label, labels taken back, and training again."""
