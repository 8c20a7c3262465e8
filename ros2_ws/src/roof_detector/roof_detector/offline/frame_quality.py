# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What limits how much a frame shows: its sharpness, and how far the network reduced it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.inputs.errors import InputError
from roof_detector.offline.manifest import NETWORK, PARAMETERS, manifest_table
from roof_detector.vision.errors import VisionError
from roof_detector.vision.sharpness import sharpness

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from roof_detector.georeference.camera_fix import CameraFix
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
    from roof_detector.offline.frame_images import FrameImages
    from roof_detector.vision.frame_findings import FrameFindings

_STEP = 0.1  # heights flown between two frames that are measured, so that few are decoded


def network_reduction(manifest: Mapping[str, str], size_wh: tuple[int, int]) -> float:
    """Return how many pixels of a frame are one of the network's input.

    1 where it ran on tiles, and where the manifest of the results does not tell its size.
    """
    input_wh = manifest_table(manifest, NETWORK).get('image_size')
    is_tiled = 'tile_size' in manifest_table(manifest, PARAMETERS)
    if is_tiled or not (isinstance(input_wh, list) and len(input_wh) == 2 and min(input_wh) > 0):
        return 1.0
    return max(size_wh[0] / input_wh[0], size_wh[1] / input_wh[1], 1.0)


class StreamSharpness:
    """Measures the sharpness of the frames of a stream, one each tenth of the height flown."""

    def __init__(self) -> None:
        self._measured_enu: npt.NDArray[np.float64] | None = None

    def of(
        self,
        findings: FrameFindings,
        fix: CameraFix | None,
        images: FrameImages | None,
        origin: LocalTangentPlane | None,
    ) -> float:
        """Return how sharp the frame's image is, nan where it is not measured."""
        if fix is None or images is None or origin is None:
            return math.nan
        place = origin.to_enu(np.array([fix.latitude_deg, fix.longitude_deg, fix.altitude_m]))
        before = self._measured_enu
        if before is not None and np.linalg.norm(place - before) < _STEP * fix.height_m:
            return math.nan
        try:
            image = images.of(findings)
        except (InputError, VisionError):
            return math.nan
        if image is None:
            return math.nan
        self._measured_enu = place
        return sharpness(image.image_bgr)
