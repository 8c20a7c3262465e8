# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Places on Earth: where a camera was, how it looked, and which ground its pixels show."""
