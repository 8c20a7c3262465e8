# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The interface behind which every runtime stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from roof_detector.inference.errors import MissingBackend
from roof_detector.inference.model_facts import ModelFacts


class Outputs(NamedTuple):
    """Hold a batch's raw predictions.

    `predictions` (n, 4 + classes + mask coefficients, anchors) float32, boxes as centre and size
    in input pixels; `prototypes` (n, coefficients, height, width) float32 of a segmentation model.
    """

    predictions: npt.NDArray[np.float32]
    prototypes: npt.NDArray[np.float32] | None


class Backend(Protocol):
    """Run one model on one device; one thread at a time.

    `precision` is what is computed with, as far as the runtime tells: f32, f16, bf16 or int8.
    """

    name: str
    device: str
    precision: str
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


def made_precision(facts: ModelFacts, wish: str, *, path: Path) -> str:
    """Return the precision that an export was made in; raise MissingBackend for another wish."""
    made = 'f32' if facts.provenance is None else facts.provenance.precision
    if wish not in ('auto', made):
        raise MissingBackend(
            f'Precision {wish!r} is asked for, but {path} was made in {made}. Use precision auto, '
            'or make another export.'
        )
    return made


def run_in_batches(
    canvases_bgr: npt.NDArray[np.uint8],
    batch: int,
    run: Callable[[npt.NDArray[np.uint8]], Outputs],
) -> Outputs:
    """Run a network that takes exactly `batch` pictures at once on any number of them.

    The last group is filled up with its last picture: it costs what a full one costs.
    """
    answers = []
    for first in range(0, len(canvases_bgr), batch):
        group = canvases_bgr[first : first + batch]
        count = len(group)
        if count < batch:
            group = np.concatenate([group, np.repeat(group[-1:], batch - count, axis=0)])
        predictions, prototypes = run(group)
        kept = None if prototypes is None else prototypes[:count]
        answers.append(Outputs(predictions[:count], kept))
    if len(answers) == 1:
        return answers[0]
    prototypes_of_all = [one.prototypes for one in answers if one.prototypes is not None]
    return Outputs(
        np.concatenate([one.predictions for one in answers]),
        np.concatenate(prototypes_of_all) if prototypes_of_all else None,
    )
