# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Painted roofs: another colour, sheets, patches, rust and the light on its slopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from training.dataset.instance import Floats

# Painted and bare sheet, tiles, concrete and tarpaulin as seen on orthophotos, BGR.
_COLOURS_BGR = np.array(
    [
        (60, 60, 190),
        (70, 80, 160),
        (90, 90, 90),
        (140, 140, 140),
        (190, 190, 190),
        (225, 225, 225),
        (150, 90, 50),
        (80, 120, 70),
        (60, 90, 140),
        (90, 120, 170),
        (55, 55, 60),
        (120, 150, 190),
        (50, 70, 110),
        (170, 160, 150),
    ],
    dtype=np.float64,
)
_RUST_BGR = np.array([45.0, 70.0, 120.0])
_LEAST_PIXELS = 9
Image = npt.NDArray[np.uint8]


def paint_roof(
    image_bgr: Image, outline: Floats, rng: np.random.Generator, *, keep_detail: bool
) -> None:
    """Paint over the area of an outline (n, 2), in place.

    With `keep_detail` the photograph's own light and shade stay and only colours change; without
    it, slopes and grain are invented.
    """
    left, top = np.maximum(np.floor(outline.min(0)).astype(int) - 1, 0)
    right, bottom = np.minimum(
        np.ceil(outline.max(0)).astype(int) + 2, (image_bgr.shape[1], image_bgr.shape[0])
    )
    if right - left < 4 or bottom - top < 4:
        return
    inner = outline - (left, top)
    before = image_bgr[top:bottom, left:right].astype(np.float32)
    cover = cover_of(inner, before.shape[:2])
    if (cover > 127).sum() < _LEAST_PIXELS:
        return
    slab = _Slab(inner, before.shape[:2], rng)
    relief = slab.photographed(before, cover > 127) if keep_detail else slab.invented()
    if rng.random() < 0.5:
        relief = relief + slab.sheets()
    painted = slab.rusted(slab.patched(slab.coloured(relief), relief), relief)
    if keep_detail:
        share = rng.uniform(0.4, 1)
        painted = painted * share + before * (1 - share)
    lay_softly(image_bgr[top:bottom, left:right], painted, cover)


def cover_of(outline: Floats, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return 255 where an outline (n, 2) covers an image (height, width), else 0."""
    cover = np.zeros(shape, np.uint8)
    cv2.fillPoly(cover, [np.round(outline * 16).astype(np.int32)], (255,), shift=4)
    return cover


def lay_softly(image_bgr: Image, laid: Floats, cover: npt.NDArray[np.uint8]) -> None:
    """Blend pixels over an image of the same size where `cover` is set, with soft edges."""
    share = cv2.GaussianBlur(cover.astype(np.float32) / 255, (0, 0), 0.7)[..., None]
    image_bgr[:] = np.clip(image_bgr * (1 - share) + laid * share, 0, 255)


def noise(
    shape: tuple[int, ...], grain_px: float, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Return smooth noise of unit variance whose spots are about `grain_px` wide."""
    height, width = shape[:2]
    coarse = (max(int(height / grain_px) + 2, 2), max(int(width / grain_px) + 2, 2))
    grid = rng.normal(size=coarse).astype(np.float32)
    smooth = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    return smooth.astype(np.float32, copy=False)


class _Slab:
    """A roof's surface: `along` and `across` (height, width) are pixels from its middle."""

    def __init__(self, outline: Floats, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        (x, y), (width, height), angle = cv2.minAreaRect(outline.astype(np.float32))
        turn = np.radians(angle)
        first = np.array([np.cos(turn), np.sin(turn)])
        second = np.array([-first[1], first[0]])
        longer, shorter = (first, second) if width >= height else (second, first)
        rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
        self.along = (columns - x) * longer[0] + (rows - y) * longer[1]
        self.across = (columns - x) * shorter[0] + (rows - y) * shorter[1]
        self.length, self.width = max(width, height, 1.0), max(min(width, height), 1.0)
        self._shape, self._rng = shape[:2], rng

    def photographed(
        self, before: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_]
    ) -> Floats:
        """Return the photograph's own light and shade, stretched or flattened."""
        light = before.mean(axis=2)
        return ((light - light[inside].mean()) * self._rng.uniform(0.5, 1.3)).astype(np.float64)

    def invented(self) -> Floats:
        """Return grain, and the light on one slope, two or four."""
        rng = self._rng
        relief = (
            noise(self._shape, rng.uniform(3, 12), rng) * rng.uniform(2, 9)
            + noise(self._shape, rng.uniform(12, 50), rng) * rng.uniform(2, 14)
            + rng.normal(0, rng.uniform(1, 5), self._shape)
        )
        kind = rng.random()
        if kind < 0.45:
            ridge = rng.normal(0, 0.05) * self.width
            relief += np.where(self.across > ridge, 1, -1) * rng.uniform(4, 28)
        elif kind < 0.6:
            beyond_hip = np.abs(self.along) - (self.length - self.width) / 2
            faces_across = np.abs(self.across) > beyond_hip
            slope = np.where(faces_across, np.sign(self.across), np.sign(self.along))
            relief += slope * rng.uniform(4, 24)
        return relief.astype(np.float64)

    def sheets(self) -> Floats:
        """Return the stripes of corrugated sheets."""
        rng = self._rng
        way = self.along if rng.random() < 0.8 else self.across
        return np.sin(way * (2 * np.pi / rng.uniform(3, 11))) * rng.uniform(1, 10)

    def coloured(self, relief: Floats) -> Floats:
        """Return a surface (height, width, 3) of one colour under the relief's light."""
        colour = self._colour() + self._rng.normal(0, 18, 3)
        return colour * (1 + relief / max(colour.mean(), 60))[..., None]

    def patched(self, painted: Floats, relief: Floats) -> Floats:
        """Return it with sheets of other colours, two times in five."""
        rng = self._rng
        if rng.random() >= 0.4:
            return painted
        for _ in range(rng.integers(1, 6)):
            low, high = np.sort(rng.uniform(-0.5, 0.5, 2)) * self.length
            near, far = np.sort(rng.uniform(-0.5, 0.5, 2)) * self.width
            patch = (self.along > low) & (self.along < high)
            patch &= (self.across > near) & (self.across < far)
            shade = 1 + relief[patch, None] / 100
            painted[patch] = painted[patch] * 0.4 + 0.6 * self._colour() * shade
        return painted

    def rusted(self, painted: Floats, relief: Floats) -> Floats:
        """Return it with rust in spots, nearly every second time."""
        rng = self._rng
        if rng.random() >= 0.45:
            return painted
        spots = noise(self._shape, rng.uniform(6, 40), rng) * 0.8 + rng.uniform(-0.6, 0.3)
        share = np.clip(spots, 0, 1)[..., None] * rng.uniform(0.3, 0.9)
        return painted * (1 - share) + _RUST_BGR * share * (1 + relief[..., None] / 150)

    def _colour(self) -> Floats:
        colour: Floats = _COLOURS_BGR[self._rng.integers(len(_COLOURS_BGR))]
        return colour
