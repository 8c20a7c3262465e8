# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Roofs of a photograph from above, covered with rusted or with painted sheets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from roof_detector.inputs.image_decoding import read_image
from training.dataset.error import DatasetError
from training.research.orthophoto.outlines import Bounds, read_outlines
from training.research.realset.photo import Photo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from training.dataset.instance import Floats
    from training.research.realset.photo import Image

    Texture = Callable[[Floats, Floats, np.random.Generator], Floats]

_RUSTED_SHARE = 0.45
_PAINTED_SHARE = 0.3
_LEAST_ROOF_PX = 500.0
_SHEETS = 400
_SHEET_M = (0.6, 1.1)
# What sheets rust to, in HSV of OpenCV: low and high, as seen on the photographs of rusted roofs.
_RUST_HSV = ((3, 60, 70), (17, 150, 175))
# Hues of sheets that are painted: red, brown, orange tiles, blue, green; 0 saturation is grey.
_PAINTS = (
    *((176, 120), (2, 110), (6, 140), (10, 150), (12, 120)),
    *((105, 120), (110, 80), (75, 60), (0, 0), (100, 20)),
)


@dataclass(frozen=True, kw_only=True)
class Sheets:
    """Roofs of a source that get new sheets, and their share of the composed images.

    Outlines are YOLO polygons in `labels/` beside the images, or a GeoJSON file with the bounds
    of the orthophoto that the photographs are windows of; their names then end in x_y.
    """

    name: str
    of: str
    share: float
    outlines: str | None = None
    bounds: str | None = None
    size_wh: tuple[int, int] = (0, 0)

    def polygons(self, paths: Sequence[Path], root: Path) -> list[list[Floats]]:
        """Return the outlines (n, 2) of the roofs of each photograph, in its pixels."""
        if self.outlines is None or self.bounds is None:
            return [_beside(path) for path in paths]
        whole = read_outlines(root / self.outlines, Bounds.read(root / self.bounds), self.size_wh)
        return [[outline - _corner(path) for outline in whole] for path in paths]


def covered(
    photo: Photo, outlines: Sequence[Floats], metres_per_pixel: float, rng: np.random.Generator
) -> Photo:
    """Return the photo with some of its roofs rusted, which are labelled, and some painted."""
    image_bgr = photo.image_bgr.copy()
    boxes = list(photo.boxes_xyxy)
    frame = np.array([*photo.size_wh, *photo.size_wh])
    for outline in outlines:
        box = np.clip(np.concatenate([outline.min(axis=0), outline.max(axis=0)]), 0, frame)
        sides = np.maximum(box[2:] - box[:2], 0)
        if sides.prod() < _LEAST_ROOF_PX or any(_overlap(box, one) > 0.2 for one in boxes):
            continue
        drawn = rng.random()
        if drawn < _RUSTED_SHARE:
            _cover(image_bgr, outline, _rusted, metres_per_pixel, rng)
            boxes.append(box)
        elif drawn < _RUSTED_SHARE + _PAINTED_SHARE:
            _cover(image_bgr, outline, _painted, metres_per_pixel, rng)
    return Photo(image_bgr, np.array(boxes).reshape(-1, 4), photo.class_id)


def read_sheets(content: Mapping[str, Mapping[str, Any]]) -> tuple[Sheets, ...]:
    """Return what real_material.yaml describes under `sheets`."""
    return tuple(
        Sheets(
            name=name,
            of=one['of'],
            share=float(one['share']),
            outlines=one.get('outlines'),
            bounds=one.get('bounds'),
            size_wh=tuple(one.get('size_wh', (0, 0))),
        )
        for name, one in content.items()
    )


def _cover(
    image_bgr: Image,
    outline: Floats,
    texture: Texture,
    metres_per_pixel: float,
    rng: np.random.Generator,
) -> None:
    """Cover what lies within an outline; its light and shade stay, softened."""
    mask = np.zeros(image_bgr.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], (255,))
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return
    y1, y2, x1, x2 = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    place = image_bgr[y1:y2, x1:x2].astype(np.float32)
    cover = cv2.GaussianBlur(mask[y1:y2, x1:x2].astype(np.float32) / 255, (0, 0), 0.7)[..., None]
    grey = cv2.cvtColor(place.astype(np.uint8), cv2.COLOR_BGR2GRAY).astype(np.float32)
    light = (np.maximum(grey, 20) / np.median(grey[mask[y1:y2, x1:x2] > 0])) ** 0.6
    centre, (width, height), degrees = cv2.minAreaRect(np.round(outline).astype(np.float32))
    angle = np.deg2rad(degrees if width >= height else degrees + 90)
    across, down = np.meshgrid(np.arange(x1, x2) - centre[0], np.arange(y1, y2) - centre[1])
    along = across * np.cos(angle) + down * np.sin(angle)
    fall = -across * np.sin(angle) + down * np.cos(angle)
    colours = texture(along * metres_per_pixel, fall * metres_per_pixel, rng)
    laid = colours * np.clip(light, 0.45, 1.35)[..., None]
    image_bgr[y1:y2, x1:x2] = np.clip(place * (1 - cover) + laid * cover, 0, 255).astype(np.uint8)


def _rusted(along_m: Floats, fall_m: Floats, rng: np.random.Generator) -> Floats:
    """Return rust of two tones over bare sheets: by sheet, in streaks along the fall."""
    sheet_m = rng.uniform(*_SHEET_M)
    sheet = np.floor(along_m / sheet_m).astype(int) % _SHEETS
    by_slope = rng.normal(0, 0.5, (2, _SHEETS))[(fall_m > 0).astype(int), sheet]
    by_sheet = rng.normal(0, 1, _SHEETS)[sheet] + by_slope
    streaks = _noise(along_m / rng.uniform(0.1, 0.4), fall_m / rng.uniform(0.8, 3.0), rng)
    patches = _noise(along_m / rng.uniform(0.8, 2.5), fall_m / rng.uniform(0.8, 2.5), rng)
    level = rng.uniform(0.3, 2.6)
    share = 1 / (1 + np.exp(-3 * (level + 0.7 * by_sheet + 0.8 * streaks + 0.8 * patches)))
    low, high = (np.array(one, dtype=np.float64) for one in _RUST_HSV)
    tones = [_bgr(rng.uniform(low, high)) for _ in range(2)]
    mixed = (1 / (1 + np.exp(-2 * (streaks + by_sheet - patches))))[..., None]
    rust = tones[0] * mixed + tones[1] * (1 - mixed)
    bare = _bgr((rng.uniform(8, 110), rng.uniform(0, 30), rng.uniform(110, 210)))
    grain = 1 + rng.normal(0, 0.05, along_m.shape)
    ridges = 1 + 0.06 * np.sin(along_m * 2 * np.pi / rng.uniform(0.25, 0.5))
    return (rust * share[..., None] + bare * (1 - share[..., None])) * (grain * ridges)[..., None]


def _painted(along_m: Floats, fall_m: Floats, rng: np.random.Generator) -> Floats:
    """Return one paint, a little bleached in places."""
    hue, saturation = _PAINTS[int(rng.integers(len(_PAINTS)))]
    colour = _bgr((hue, saturation * rng.uniform(0.7, 1.3), rng.uniform(90, 230)))
    bleached = _noise(along_m / 3, fall_m / 3, rng)
    ridges = 1 + 0.05 * np.sin(along_m * 2 * np.pi / rng.uniform(0.25, 0.5))
    return colour * (ridges * (1 + 0.05 * bleached))[..., None]


def _noise(u: Floats, v: Floats, rng: np.random.Generator) -> Floats:
    """Return smooth noise of about unit variance over a plane, interpolated from a grid of 64."""
    grid = rng.normal(0, 1.6, (64, 64)).astype(np.float32)
    mapped = [(one % 62).astype(np.float32) for one in (u, v)]
    return cv2.remap(grid, mapped[0], mapped[1], cv2.INTER_LINEAR).astype(np.float64)


def _bgr(hsv: Sequence[float] | Floats) -> Floats:
    pixel = np.clip(np.array(hsv, dtype=np.float64), 0, 255).astype(np.uint8).reshape(1, 1, 3)
    return cv2.cvtColor(pixel, cv2.COLOR_HSV2BGR).reshape(3).astype(np.float64)


def _overlap(box: Floats, other: Floats) -> float:
    sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    return float(np.maximum(sides, 0).prod() / max((box[2:] - box[:2]).prod(), 1e-9))


def _corner(path: Path) -> Floats:
    found = re.search(r'_(\d+)_(\d+)$', path.stem)
    if found is None:
        msg = f'{path.name} does not end in the x_y of its corner in the orthophoto.'
        raise DatasetError(msg)
    return np.array([float(found[1]), float(found[2])])


def _beside(path: Path) -> list[Floats]:
    """Read the YOLO polygons of an image; those are shares of its sides."""
    label = Path(*('labels' if part == 'images' else part for part in path.parts))
    label = label.with_suffix('.txt')
    height, width = read_image(path).shape[:2]
    rows = [line.split()[1:] for line in label.read_text().splitlines() if line.strip()]
    return [np.array(row, dtype=np.float64).reshape(-1, 2) * (width, height) for row in rows]
