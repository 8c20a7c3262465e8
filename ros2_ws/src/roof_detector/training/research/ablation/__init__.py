# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Ablations: every variant of the model zoo, trained alike and measured on the same images."""
