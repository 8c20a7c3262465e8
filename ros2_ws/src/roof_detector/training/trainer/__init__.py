# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What trains: ultralytics' trainer, taught our blocks, our transfer and exact resumption."""

from __future__ import annotations

import roof_detector.blocks  # noqa: F401  (must precede ultralytics: offline, quiet, registered)
