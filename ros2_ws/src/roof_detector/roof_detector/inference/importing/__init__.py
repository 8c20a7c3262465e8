# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The import of foreign checkpoints: read as data in a confined process, checked, and rebuilt."""
