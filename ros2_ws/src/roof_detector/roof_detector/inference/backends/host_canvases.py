# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Pictures fitted to a network by the processor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from roof_detector.vision.letterbox import Letterbox, letterbox


class ForeignCanvas(Protocol):
    """A canvas that lies elsewhere, see `DeviceCanvas`."""

    def to_host(self) -> npt.NDArray[np.uint8]:
        """Return a copy (height, width, 3) uint8 BGR."""


class HostCanvases:
    """Fit pictures in the processor's memory, see `Canvases`."""

    def draw(self, image_bgr: npt.NDArray[np.uint8], geometry: Letterbox) -> npt.NDArray[np.uint8]:
        """Return a picture's canvas (height, width, 3) uint8 BGR."""
        return letterbox(image_bgr, geometry)

    def stack(
        self, canvases: Sequence[npt.NDArray[np.uint8] | ForeignCanvas]
    ) -> npt.NDArray[np.uint8]:
        """Return canvases of one size as (n, height, width, 3).

        Those that were fitted on a device are fetched first.
        """
        return np.stack(
            [one if isinstance(one, np.ndarray) else one.to_host() for one in canvases]
        )
