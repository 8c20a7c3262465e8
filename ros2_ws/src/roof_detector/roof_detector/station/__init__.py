# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The ground station: a web page to watch, tune and record flights and to process recordings."""
