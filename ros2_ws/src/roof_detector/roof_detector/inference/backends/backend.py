# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The interface behind which every runtime stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from roof_detector.inference.errors import MissingBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from roof_detector.inference.lanes import Lanes
    from roof_detector.inference.model_facts import ModelFacts
    from roof_detector.inference.options import BackendName, PrecisionOption
    from roof_detector.vision.candidates import Candidates
    from roof_detector.vision.detections import Detections
    from roof_detector.vision.letterbox import Letterbox
    from roof_detector.vision.thresholds import ResolvedThresholds


class RawOutput(Protocol):
    """The raw output of a network for one image, in the memory where it was computed."""

    @property
    def predictions(self) -> npt.NDArray[np.float32]:
        """Return (4 + classes + mask coefficients, anchors), centres and sizes in input pixels."""

    @property
    def prototypes(self) -> npt.NDArray[np.float32] | None:
        """Return (coefficients, height, width) of a segmentation model."""

    def candidates(self, *, classes: int, floor: float) -> Candidates:
        """Return all candidates with a confidence above a floor."""

    def select(self, *, thresholds: ResolvedThresholds, geometry: Letterbox) -> Detections:
        """Choose detections and bring them to source pixels."""


class Preprocessor(Protocol):
    """Letterboxes images into input tensors, in the memory where the network wants them.

    An input tensor is one letterboxed image, a batch several of one size: on the host
    (height, width, 3) and (n, height, width, 3) uint8 BGR; on a device `DeviceTensor` and
    (n, 3, height, width) RGB in 0..1.
    """

    def to_tensor(self, image_bgr: npt.NDArray[np.uint8], geometry: Letterbox) -> Any:
        """Return the input tensor of an image; any thread may call."""

    def stack(self, tensors: Sequence[Any]) -> Any:
        """Return input tensors of one size as a batch."""


class Backend(Protocol):
    """Run one model on one device; one thread at a time.

    `precision` is what is computed with, as far as the runtime tells: f32, f16, bf16 or int8.
    """

    name: BackendName
    device: str
    precision: str  # of an export what its metadata says
    facts: ModelFacts

    @property
    def lanes(self) -> Lanes | None:
        """Return what runs passes side by side, if it can and was opened so."""

    @property
    def preprocessor(self) -> Preprocessor:
        """Return what turns images into input tensors of this network."""

    def infer(self, batch: Any) -> Sequence[RawOutput]:
        """Run the network on a batch that `preprocessor` stacked; return once it is done."""

    def use_threads(self, threads: int) -> None:
        """Run with so many CPU threads from the next pass on.

        It is one of the numbers that the backend was opened with; changing it takes no time.
        """

    def close(self) -> None:
        """Free the model and its memory."""


def made_precision(facts: ModelFacts, wish: PrecisionOption, *, path: Path) -> str:
    """Return the precision that an export was made in; raise MissingBackend for another wish."""
    made = 'f32' if facts.provenance is None else facts.provenance.precision
    if wish not in ('auto', made):
        msg = (
            f'Precision {wish!r} is asked for, but {path} was made in {made}. Use precision auto, '
            'or make another export.'
        )
        raise MissingBackend(msg)
    return made


def run_in_batches(
    batch: Any, size: int, run: Callable[[Any], Sequence[RawOutput]]
) -> Sequence[RawOutput]:
    """Run a network that takes exactly `size` images at once on any number of them.

    The last group is filled up with its last image: it costs what a full one costs.
    """
    outputs: list[RawOutput] = []
    for first in range(0, len(batch), size):
        group = batch[first : first + size]
        count = len(group)
        if count < size:
            group = group[[*range(count), *[-1] * (size - count)]]
        outputs += run(group)[:count]
    return outputs
