# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""An image from above as the ground for labelled objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.inputs.errors import InputError
from roof_detector.inputs.image_decoding import read_image as decoded_image
from roof_detector.simulation.surfaces.canvas import Canvas
from roof_detector.simulation.world.facet import Facet, Plane3, facet_from_uv
from roof_detector.simulation.world.light import Light
from roof_detector.simulation.world.roofing import RoofSection
from training.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = ('.jpg', '.jpeg', '.png', '.tif', '.tiff', '.bmp', '.webp')
# Painted objects need pixels of about this size, whatever the image's are.
FINEST_M = 0.03
MARGIN_M = 200.0
SAMPLE_M = 0.25


@dataclass(frozen=True)
class PhotoGround:
    """A window of an image (h, w, 3) and the metres that one of its pixels covers."""

    image_bgr: NDArray[np.uint8]
    metres_per_px: float

    @classmethod
    def cut(
        cls,
        image_bgr: NDArray[np.uint8],
        *,
        side_px: int,
        metres_per_px: float,
        rng: np.random.Generator,
    ) -> PhotoGround:
        """Cut a window of at most a side's length at a random place."""
        height, width = image_bgr.shape[:2]
        y = int(rng.integers(0, max(height - side_px, 0) + 1))
        x = int(rng.integers(0, max(width - side_px, 0) + 1))
        return cls(image_bgr[y : y + side_px, x : x + side_px], metres_per_px)

    @property
    def size_m(self) -> tuple[float, float]:
        """Return width and height on the ground."""
        height, width = self.image_bgr.shape[:2]
        return width * self.metres_per_px, height * self.metres_per_px

    def section(self) -> RoofSection:
        """Return the image as a level surface about the origin, ready to be painted on."""
        width, height = self.size_m
        finer = int(np.clip(np.ceil(self.metres_per_px / FINEST_M), 1, 4))
        canvas = Canvas((width, height), metres_per_px=self.metres_per_px / finer)
        size = (canvas.shape_hw[1], canvas.shape_hw[0])
        large = cv2.resize(self.image_bgr, size, interpolation=cv2.INTER_CUBIC)
        for plane, channel in zip(canvas.planes, cv2.split(large), strict=True):
            plane[:] = channel
        origin = np.array([-width / 2, height / 2, 0.0])
        plane3 = Plane3(origin, np.array([1.0, 0.0, 0.0]), np.array([0.0, -1.0, 0.0]))
        return RoofSection(plane3, canvas)

    def light(self, rng: np.random.Generator) -> Light:
        """Return a random sun whose shadows are as strong as the image's contrast allows."""
        grey = cv2.cvtColor(self.image_bgr, cv2.COLOR_BGR2GRAY)
        dark, bright = np.percentile(grey, [5, 95])
        contrast = float((bright - dark) / max(bright, 1.0))
        return Light(
            azimuth_deg=float(rng.uniform(0, 360)),
            elevation_deg=float(rng.uniform(30, 75)),
            direct=float(np.clip(1.4 * contrast - 0.3 + rng.normal(0, 0.1), 0.05, 1.0)),
        )

    def tint(self) -> NDArray[np.float32]:
        """Return the colour factor that makes a white object look white in the image."""
        brightest = np.percentile(self.image_bgr.reshape(-1, 3), 98.5, axis=0)
        return np.clip(brightest / 235.0, 0.45, 1.05).astype(np.float32)

    def unfitness(self) -> NDArray[np.float32]:
        """Return how unsuitable each place is, on a grid of SAMPLE_M: rough, green or dark."""
        width, height = self.size_m
        size = (max(int(width / SAMPLE_M), 4), max(int(height / SAMPLE_M), 4))
        small = cv2.resize(self.image_bgr, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        blue, green, red = cv2.split(small)
        grey = (blue + green + red) / 3
        mean = cv2.blur(grey, (7, 7))
        rough = np.sqrt(np.maximum(cv2.blur(grey * grey, (7, 7)) - mean * mean, 0))
        leafy = cv2.blur(np.clip(2 * green - red - blue, 0, 60), (5, 5))
        shadow = np.clip(60 - mean, 0, 60)
        return np.asarray(rough + 2 * leafy + shadow, np.float32)


def facet_beyond(facet: Facet) -> Facet:
    """Return a level facet extended past its texture, which is mirrored there."""
    height, width = facet.texture.levels[0].image_bgr.shape[:2]
    step = facet.texture.metres_per_px
    low, (right, lower) = -MARGIN_M, (width * step + MARGIN_M, height * step + MARGIN_M)
    corners = [[low, low], [right, low], [right, lower], [low, lower]]
    return facet_from_uv(facet.plane, corners, facet.texture)


def find_images(folder: Path) -> tuple[Path, ...]:
    """Return the images below a folder, sorted; raise an error without any."""
    found = tuple(sorted(path for path in folder.rglob('*') if path.suffix.lower() in SUFFIXES))
    if not found:
        msg = f'{folder} has no images; give a folder with {", ".join(SUFFIXES)} files.'
        raise TrainingError(msg)
    return found


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read an image (h, w, 3) in BGR."""
    try:
        return decoded_image(path)
    except InputError as error:
        msg = f'{error} Replace or remove it.'
        raise TrainingError(msg) from error
