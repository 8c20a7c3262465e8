# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Surfaces: coverings, weather, dirt, lettering and painted defects as textures."""
