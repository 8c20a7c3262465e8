# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Benchmarks of parts and of the whole graph, as ratios within one run."""
