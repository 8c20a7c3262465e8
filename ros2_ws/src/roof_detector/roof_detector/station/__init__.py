# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The ground station: a web page to watch, tune and record a flight, and to take results home."""
