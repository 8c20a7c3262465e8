# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The calibration and the metadata that all INT8 models share."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from roof_detector.inference.detector import Detector
from roof_detector.vision.letterbox import to_blob

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

PRECISION = 'int8'


def quantized_provenance(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return an export's provenance as that of its INT8 model."""
    versions = {**provenance['versions'], 'nncf': version('nncf')}
    return {**provenance, 'precision': PRECISION, 'versions': versions}


def calibration_blobs(
    export: Path, frames: Sequence[npt.NDArray[np.uint8]]
) -> list[npt.NDArray[np.float32]]:
    """Return frames (height, width, 3) uint8 BGR as network inputs, as the node makes them.

    Each is (1, 3, height, width) float32 RGB in 0..1, letterboxed.
    """
    with Detector.open(export, device='cpu') as detector:
        return [to_blob(detector.preprocess(frame).tensor[None]) for frame in frames]
