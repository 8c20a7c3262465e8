# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The network of a description, built by ultralytics with random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import roof_detector.blocks  # noqa: F401  (registers the blocks)
from roof_detector.blocks.errors import BlocksError
from training.compose.errors import ComposeError
from training.compose.model_file import model_rows

if TYPE_CHECKING:
    from training.compose.description import Description


def build_network(description: Description, *, class_count: int = 80) -> Any:
    """Return a detection, segmentation or OBB model of ultralytics.

    Raises ComposeError if the parts do not fit each other, which only building can tell.
    """
    from ultralytics.nn import tasks  # noqa: PLC0415  (seconds)

    kinds = {'segment': tasks.SegmentationModel, 'obb': tasks.OBBModel}
    task = description.head.split('-')[-1]
    model = kinds.get(task, tasks.DetectionModel)
    rows = {**model_rows(description), 'scale': description.scale, 'yaml_file': 'composed.yaml'}
    try:
        return model(rows, ch=3, nc=class_count, verbose=False)
    except BlocksError as error:
        raise ComposeError(str(error)) from error
