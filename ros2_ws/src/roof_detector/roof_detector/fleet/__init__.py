# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Many recorded flights on many workers, and one store of what they found (extra `fleet`)."""
