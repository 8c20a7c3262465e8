# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Model packages: a network as data, with hashes, golden images and optionally a signature."""
