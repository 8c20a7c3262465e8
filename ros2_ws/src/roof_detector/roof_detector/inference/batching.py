# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Whether a model is faster on several images as one batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from roof_detector.inference.detector import Detector

_PASSES = 3


@dataclass(frozen=True)
class BatchTiming:
    """How long one image took, and how long `count` took in one batch."""

    count: int
    single_s: float
    batch_s: float

    @property
    def pays(self) -> bool:
        """Return whether the batch is ready before its images would be, one by one, on average.

        One after another they are ready after 1, 2, ... count times `single_s`. A batch that is
        quicker than their mean gives more results per second as well.
        """
        return self.batch_s < (self.count + 1) / 2 * self.single_s


def time_batch(
    detector: Detector, count: int, *, source_wh: tuple[int, int] = (1280, 720)
) -> BatchTiming:
    """Measure single grey images and batches of them, interleaved; warm up every batch size.

    Belongs into the thread that owns the detector.
    """
    width, height = source_wh
    preprocessed = detector.preprocess(np.full((height, width, 3), 114, dtype=np.uint8))
    # CUDA graphs are made at the second pass of a size, of few sizes; the others run in theirs.
    passes = 1 if detector.device == 'cpu' else 2
    for size in sizes_to_warm_up(count):
        for _ in range(passes):
            detector.infer(*[preprocessed] * size)
    times_s: dict[int, list[float]] = {1: [], count: []}
    for _ in range(_PASSES):
        for size, taken_s in times_s.items():
            outputs = detector.infer(*[preprocessed] * size)
            taken_s.append(sum(one.forward_s for one in outputs))
    return BatchTiming(
        count=count,
        single_s=float(np.median(times_s[1])),
        batch_s=float(np.median(times_s[count])),
    )


def sizes_to_warm_up(count: int) -> list[int]:
    """Return the sizes of batches, all but one image: `count` and its halves before the others."""
    halves = []
    while count > 1:
        halves.append(count)
        count = (count + 1) // 2
    return halves + [size for size in range(max(halves, default=1), 1, -1) if size not in halves]
