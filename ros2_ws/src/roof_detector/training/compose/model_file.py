# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Ultralytics' model file of a description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.compose.necks import NECK_ROWS
from training.compose.parts import HEADS, SCALES
from training.compose.rows import Rows

if TYPE_CHECKING:
    from training.compose.description import Description


def model_rows(description: Description) -> dict[str, Any]:
    """Return what a model file of ultralytics holds, for 80 classes and all scales."""
    rows = Rows(description)
    rows.write_backbone()
    backbone, rows.written = rows.written, []
    inputs = NECK_ROWS[description.neck](rows)
    if description.attention != 'none':
        for place in inputs:
            rows.attention(place)
        inputs = [f'attention {place}' for place in inputs]
    module, arguments, _ = HEADS[description.head]
    rows.row('head', [rows.named[place] for place in inputs], 1, module, list(arguments))
    return {
        'nc': 80,
        'scales': {name: list(values) for name, values in SCALES.items()},
        'backbone': backbone,
        'head': rows.written,
    }
