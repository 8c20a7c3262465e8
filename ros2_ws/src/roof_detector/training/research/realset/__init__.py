# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A training set of photographs, composed of the sources that real_material.yaml describes."""
