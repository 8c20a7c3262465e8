# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Counterexamples with a roof's colours or size: yards, bushes and dark spots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from training.research.orthophoto.roof_paint import Image, noise

if TYPE_CHECKING:
    from training.dataset.instance import Floats

# Bare soil, gravel and concrete, BGR.
_YARDS_BGR = np.array(
    [(75, 120, 185), (85, 140, 200), (150, 170, 185), (60, 95, 150), (120, 130, 135)],
    dtype=np.float64,
)
_BUSHES_BGR = np.array([(40, 75, 60), (35, 95, 75), (55, 110, 90), (30, 60, 45)], dtype=np.float64)


class FreeGround:
    """The ground that a mask (height, width) of roofs leaves free, painted in place."""

    def __init__(
        self, image_bgr: Image, built: npt.NDArray[np.uint8], rng: np.random.Generator
    ) -> None:
        self._image_bgr, self._built, self._rng = image_bgr, built, rng

    def lay_yard(self, outline: Floats) -> None:
        """Paint soil or concrete with soft edges."""
        rng = self._rng
        margin = 20
        box, share = self._free(outline.min(0) - margin, outline.max(0) + margin)
        if not share.size:
            return
        corner = np.array([box[1].start, box[0].start])
        cover = np.zeros(share.shape, np.float32)
        cv2.fillPoly(cover, [(outline - corner).astype(np.int32)], (1.0,))
        cover = cv2.GaussianBlur(cover, (0, 0), rng.uniform(2, 9)).astype(np.float32)
        grain = noise(share.shape, 30, rng) * 9 + noise(share.shape, 5, rng) * 4
        grain = grain + rng.normal(0, 4, share.shape)
        colour = _YARDS_BGR[rng.integers(len(_YARDS_BGR))] + rng.normal(0, 8, 3)
        soil = colour * (1 + 0.01 * grain)[..., None]
        self._lay(box, soil, share * cover * rng.uniform(0.5, 1))

    def plant_bush(self, centre: Floats, radius: float, shadow: Floats, darkness: float) -> None:
        """Paint a bush with an uneven edge, lit from the side opposite its shadow."""
        rng = self._rng
        self.blot(centre + shadow * 0.6, radius, darkness, softness=0.15)
        box, share = self._free(centre - radius * 1.4, centre + radius * 1.4)
        if not share.size:
            return
        away = _offsets(box, centre) / radius
        edge = np.linalg.norm(away, axis=-1) + noise(share.shape, radius / 2, rng) * 0.12
        towards_shadow = away @ (shadow / max(float(np.linalg.norm(shadow)), 1e-6))
        leaves = noise(share.shape, 3, rng) * 22 + noise(share.shape, radius / 2, rng) * 10
        light = 1 + (leaves - 25 * towards_shadow) / 100
        colour = _BUSHES_BGR[rng.integers(len(_BUSHES_BGR))] * rng.uniform(0.8, 1.5)
        self._lay(box, colour * light[..., None], share * np.clip((1 - edge) * radius / 2, 0, 1))

    def blot(self, centre: Floats, radius: float, darkness: float, *, softness: float) -> None:
        """Darken a round spot: ash, oil, wet soil or a shadow; `softness` 0 to 1 is its edge's."""
        box, share = self._free(centre - radius * 2, centre + radius * 2)
        if not share.size:
            return
        distance = np.linalg.norm(_offsets(box, centre), axis=-1) / radius
        distance = distance + noise(share.shape, radius, self._rng) * 0.1
        inside = 1 / (1 + np.exp((distance - 1) / (0.02 + 0.3 * softness)))
        ground = self._image_bgr[box].astype(np.float64)
        self._lay(box, ground * (1 - darkness), share * inside)

    def _free(
        self, low: Floats, high: Floats
    ) -> tuple[tuple[slice, slice], npt.NDArray[np.float64]]:
        """Return the pixels between two corners, and 1 where no roof stands, else 0."""
        height, width = self._built.shape
        left, top = np.clip(np.floor(low), 0, (width, height)).astype(int)
        right, bottom = np.clip(np.ceil(high), 0, (width, height)).astype(int)
        box = slice(top, bottom), slice(left, right)
        return box, (self._built[box] == 0).astype(np.float64)

    def _lay(self, box: tuple[slice, slice], paint: Floats, share: Floats) -> None:
        laid = self._image_bgr[box] * (1 - share[..., None]) + paint * share[..., None]
        self._image_bgr[box] = np.clip(laid, 0, 255)


def _offsets(box: tuple[slice, slice], centre: Floats) -> Floats:
    """Return the distance of each pixel of a box from a point: (height, width, 2) as x, y."""
    rows, columns = np.mgrid[box]
    return np.stack([columns - centre[0], rows - centre[1]], axis=-1)
