# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Preprocessing on the CPU: letterbox images into input tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from roof_detector.vision.letterbox import Letterbox, letterbox

if TYPE_CHECKING:
    from collections.abc import Sequence


class DeviceResident(Protocol):
    """An input tensor in the memory of a device, see `DeviceTensor`."""

    def to_host(self) -> npt.NDArray[np.uint8]:
        """Return a copy (height, width, 3) uint8 BGR."""


class HostPreprocessor:
    """Letterboxes images in host memory, see `Preprocessor`."""

    def to_tensor(
        self, image_bgr: npt.NDArray[np.uint8], geometry: Letterbox
    ) -> npt.NDArray[np.uint8]:
        """Return the input tensor (height, width, 3) uint8 BGR of an image."""
        return letterbox(image_bgr, geometry)

    def stack(
        self, tensors: Sequence[npt.NDArray[np.uint8] | DeviceResident]
    ) -> npt.NDArray[np.uint8]:
        """Return tensors of one size as (n, height, width, 3).

        Those that lie on a device are copied to the host first.
        """
        return np.stack([one if isinstance(one, np.ndarray) else one.to_host() for one in tensors])
