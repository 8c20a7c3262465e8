# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Attacks, damage and kills in large numbers: the figures of docs/reference/promises.md."""
