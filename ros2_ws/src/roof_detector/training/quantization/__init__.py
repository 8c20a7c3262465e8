# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Makes networks of 8 bits, and keeps them only where they find as much."""
