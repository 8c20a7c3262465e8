# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The latency of the trained networks, measured side by side."""

from __future__ import annotations

from contextlib import ExitStack
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from roof_detector.inference.detector import Detector
from roof_detector.inference.torch_threads import torch_threads

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt


def time_interleaved(
    checkpoints: Mapping[str, Path],
    image_bgr: npt.NDArray[np.uint8],
    *,
    image_size: int | None,
    rounds: int,
) -> dict[str, list[float]]:
    """Return the seconds of each network's forward pass in each round, in FP32 on one core.

    All networks are loaded together and run interleaved, in an order that rotates by one each
    round, so that other load affects all of them alike. The first round warms up. One thread only,
    because with more threads other processes make them wait for each other: measured beside a
    training, two threads took a hundred times as long as one, and the ratios meant nothing.
    """
    with torch_threads(1), ExitStack() as stack:
        detectors = {
            label: stack.enter_context(
                Detector.open(path, device='cpu', image_size=image_size, threads=1)
            )
            for label, path in checkpoints.items()
        }
        labels = list(detectors)
        taken: dict[str, list[float]] = {label: [] for label in labels}
        for number in range(rounds + 1):
            first = number % max(len(labels), 1)
            for label in labels[first:] + labels[:first]:
                prepared = detectors[label].preprocess(image_bgr)
                started_s = perf_counter()
                detectors[label].infer(prepared)
                if number:
                    taken[label].append(perf_counter() - started_s)
    return taken


def ratios_to(baseline: str, taken: Mapping[str, list[float]]) -> dict[str, float]:
    """Return the median over the rounds of each network's time over the baseline's."""
    if baseline not in taken:
        return {}
    return {
        label: median(one / other for one, other in zip(seconds, taken[baseline], strict=True))
        for label, seconds in taken.items()
    }
