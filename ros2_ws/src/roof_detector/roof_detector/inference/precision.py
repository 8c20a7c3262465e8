# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The precisions in which a network may compute."""

from __future__ import annotations

# auto is f16 on CUDA devices and f32 elsewhere.
PRECISIONS = ('auto', 'f32', 'f16', 'bf16')
