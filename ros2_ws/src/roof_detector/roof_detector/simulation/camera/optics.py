# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The effects of lens, sensor and encoder on an image."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.simulation.flight.flight_config import FlightConfig

NOISE_SIDE_PX = 640
# Standard deviation of the noise sheet in grey levels; three of it fit into 8 bits.
NOISE_LEVELS = 28.0
HAZE_BGR = (205, 200, 196)
METERED_LEVEL = 126.0
METERED_SHARE = 0.5


class Optics:
    """One flight's lens shading, colour cast, tone curve and sensor noise."""

    def __init__(self, config: FlightConfig, rng: np.random.Generator) -> None:
        self._config = config
        width, height = config.size_wh
        x = np.linspace(-1, 1, width, dtype=np.float32)[None, :] * width
        y = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * height
        reach = (x * x + y * y) / (width * width + height * height)
        shading = np.clip(255 * (1 - config.vignetting * reach), 0, 255).astype(np.uint8)
        self._shading = cv2.merge([shading] * 3)
        self._cast = np.clip(1 + config.white_balance * rng.standard_normal(3), 0.5, 1.5)

    def develop(
        self,
        image_bgr: NDArray[np.uint8],
        rng: np.random.Generator,
        *,
        smear_px: tuple[float, float],
        exposure: float,
    ) -> NDArray[np.uint8]:
        """Turn ideal colours into a photograph of the same size."""
        config = self._config
        image: NDArray[np.uint8] = image_bgr
        if config.haze > 0:
            air = np.full_like(image, HAZE_BGR)
            image = np.asarray(cv2.addWeighted(image, 1 - config.haze, air, config.haze, 0))
        if config.chromatic_px > 0:
            image = _parted(image, config.chromatic_px)
        if config.defocus_px > 0.2:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), config.defocus_px), np.uint8)
        # The camera's meter pulls each frame part of the way to a middle brightness.
        metered = max(float(np.mean(image[::8, ::8])), 8.0)
        exposure = exposure * (METERED_LEVEL / metered) ** METERED_SHARE
        length = float(np.hypot(*smear_px))
        if length > 1.2:
            image = np.asarray(cv2.filter2D(image, -1, _smear_kernel(smear_px)), np.uint8)
        image = np.asarray(cv2.multiply(image, self._shading, scale=1 / 255), np.uint8)
        image = np.asarray(cv2.LUT(image, self._tone_table(exposure)), np.uint8)
        if config.noise > 0:
            x, y = rng.integers(0, NOISE_SIDE_PX, 2)
            height, width = image.shape[:2]
            noise = _noise_sheet(config.size_wh)[y : y + height, x : x + width]
            gain = config.noise / NOISE_LEVELS
            image = np.asarray(cv2.addWeighted(image, 1.0, noise, gain, -128.0 * gain), np.uint8)
        if config.jpeg_quality is not None:
            _, code = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, config.jpeg_quality])
            image = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)
        return image

    def _tone_table(self, exposure: float) -> NDArray[np.uint8]:
        level = np.arange(256, dtype=np.float64)[:, None] / 255 * exposure * self._cast[None, :]
        curve = np.clip(level, 0, None) ** self._config.contrast
        # A soft shoulder keeps bright paint from burning out at once.
        curve = np.where(curve > 0.7, 0.7 + 0.3 * np.tanh((curve - 0.7) / 0.3), curve)
        return np.clip(255 * curve, 0, 255).astype(np.uint8)[None]


def _parted(image_bgr: NDArray[np.uint8], reach_px: float) -> NDArray[np.uint8]:
    """Shrink blue and grow red about the middle, by a distance at the corners."""
    height, width = image_bgr.shape[:2]
    share = reach_px / (np.hypot(width, height) / 2)
    channels = list(cv2.split(image_bgr))
    for channel, scale in ((0, 1 - share), (2, 1 + share)):
        shift = (1 - scale) * np.array([width - 1, height - 1]) / 2
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        channels[channel] = cv2.warpAffine(
            channels[channel], matrix, (width, height), borderMode=cv2.BORDER_REPLICATE
        )
    return np.asarray(cv2.merge(channels), np.uint8)


@lru_cache(maxsize=2)
def _noise_sheet(size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the sheet of noise around 128 that every frame of a size reads from another place."""
    rng = np.random.default_rng(20261)
    width, height = size_wh
    sheet = rng.standard_normal(
        (height + NOISE_SIDE_PX, width + NOISE_SIDE_PX, 3), dtype=np.float32
    )
    sheet = 0.7 * sheet + 0.6 * cv2.GaussianBlur(sheet, (0, 0), 0.8) * 1.8
    return np.clip(128 + NOISE_LEVELS * sheet, 0, 255).astype(np.uint8)


def _smear_kernel(smear_px: tuple[float, float]) -> NDArray[np.float32]:
    half = int(np.ceil(max(abs(smear_px[0]), abs(smear_px[1])) / 2))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    for t in np.linspace(-0.5, 0.5, 4 * half + 3):
        x, y = half + t * smear_px[0], half + t * smear_px[1]
        kernel[int(np.clip(np.rint(y), 0, 2 * half)), int(np.clip(np.rint(x), 0, 2 * half))] += 1
    return kernel / kernel.sum()
