# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Names of the classes that the simulation labels, in the order of their ids."""

from __future__ import annotations

CLASS_NAMES = ('equip', 'drain', 'crack', 'ponding', 'rust')

EQUIP, DRAIN, CRACK, PONDING, RUST = range(len(CLASS_NAMES))
