# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The export of checkpoints to other runtimes, complete and checked, or not at all."""
