# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Ultralytics' trainer with our blocks, our weight transfer and exact resumption."""

from __future__ import annotations

import roof_detector.blocks  # noqa: F401  (must precede ultralytics: offline, quiet, registered)
