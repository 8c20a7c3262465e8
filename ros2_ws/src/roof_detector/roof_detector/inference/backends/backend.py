# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The interface behind which every runtime stands."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from roof_detector.inference.errors import BadModel
from roof_detector.inference.model_facts import ModelFacts


class Outputs(NamedTuple):
    """Hold a batch's raw predictions.

    `predictions` (n, 4 + classes + mask coefficients, anchors) float32, boxes as centre and size
    in input pixels; `prototypes` (n, coefficients, height, width) float32 of a segmentation model.
    """

    predictions: npt.NDArray[np.float32]
    prototypes: npt.NDArray[np.float32] | None


class Backend(Protocol):
    """Run one model on one device; one thread at a time."""

    name: str
    device: str
    facts: ModelFacts

    def forward(self, canvases_bgr: npt.NDArray[np.uint8]) -> Outputs:
        """Run the network on letterboxed pictures (n, height, width, 3) uint8 BGR."""

    def close(self) -> None:
        """Free the model and its memory."""


def split_outputs(arrays: list[npt.NDArray[np.float32]]) -> Outputs:
    """Sort what a runtime returned: predictions first, prototypes next if there are any."""
    predictions = np.ascontiguousarray(arrays[0], dtype=np.float32)
    if len(arrays) == 1:
        return Outputs(predictions, None)
    return Outputs(predictions, np.ascontiguousarray(arrays[1], dtype=np.float32))


def join_outputs(singles: list[Outputs]) -> Outputs:
    """Join the outputs of pictures that were run one by one."""
    prototypes = [one.prototypes for one in singles if one.prototypes is not None]
    return Outputs(
        np.concatenate([one.predictions for one in singles]),
        np.concatenate(prototypes) if prototypes else None,
    )


def check_batch(batch: int, path: Path) -> None:
    """Refuse an export that takes several pictures at once and no fewer."""
    if batch != 1:
        raise BadModel(
            f'{path} takes {batch} pictures at once, expected 1 or any number. Export it with '
            'batch=1 or dynamic=True.'
        )
