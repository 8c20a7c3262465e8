# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Training images composed of photographs: windows, patchworks, objects laid or drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from training.dataset.error import DatasetError
from training.research.realset.cutout import Cutout, crack_cutouts, rust_cutouts
from training.research.realset.drawn import DRAIN_ID, Drawn, with_drains
from training.research.realset.material import CLASSES, Laid
from training.research.realset.photo import Photo
from training.research.realset.sheets import Sheets, covered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from training.dataset.instance import Floats
    from training.research.realset.material import Material, Source
    from training.research.realset.photo import Image

_TRIES = 25
_CRACK = CLASSES.index('crack')
_GROUND_SHARE = 0.2  # of the images with drawn drains


@dataclass(frozen=True, kw_only=True)
class PhotoComposer:
    """The composer of one material, at one image size (width, height) in pixels."""

    material: Material
    roots: Mapping[str, Path]
    size_wh: tuple[int, int] = (640, 360)
    _photos: dict[str, list[Photo]] = field(default_factory=dict)
    _cutouts: dict[str, list[Cutout]] = field(default_factory=dict)
    _outlines: dict[str, list[list[Floats]]] = field(default_factory=dict)

    def images(self, count: int, *, seed: int) -> Iterator[tuple[str, Photo]]:
        """Yield the name of what each image is made of, and the image with its boxes.

        The same seed gives the same images, each by itself.
        """
        parts: list[Source | Laid | Sheets | Drawn] = [
            *self.material.sources,
            *self.material.laid,
            *self.material.sheets,
            *self.material.drawn,
        ]
        shares = np.array([part.share for part in parts])
        if not parts or shares.sum() <= 0:
            msg = 'The material has no source with a share; nothing can be composed of it.'
            raise DatasetError(msg)
        numbers = np.floor(np.cumsum(shares / shares.sum()) * count + 1e-9).astype(int)
        for i in range(count):
            part = parts[int(np.searchsorted(numbers, i, side='right').clip(0, len(parts) - 1))]
            rng = np.random.default_rng([seed, i])
            yield part.name, _exposed(self._composed(part, rng), rng)

    def _composed(self, part: Source | Laid | Sheets | Drawn, rng: np.random.Generator) -> Photo:
        if isinstance(part, Laid):
            return self._laid(part, rng)
        if isinstance(part, Drawn):
            return self._drains(part, rng)
        if isinstance(part, Sheets):
            return self._window(self._source(part.of), self._covered(part, rng), rng)
        return self._window(part, self._read(part), rng)

    def validation(self) -> Iterator[tuple[str, Photo]]:
        """Yield the photographs that never train, unchanged."""
        for source in self.material.sources:
            for photo in source.photos(self.roots, validation=True):
                yield source.name, photo

    def _window(self, source: Source, photos: Sequence[Photo], rng: np.random.Generator) -> Photo:
        """Return a window of one photograph, or of a patchwork of small ones side by side."""
        zoom = float(np.exp(rng.uniform(*np.log(source.zoom))))
        for _ in range(_TRIES):
            sheet = self._patchwork(photos, zoom, rng)
            window = sheet.random_window(self.size_wh, rng)
            if source.role == 'ground' or len(window.boxes_xyxy) or rng.random() < 0.08:
                break
        return window

    def _covered(self, sheets: Sheets, rng: np.random.Generator) -> list[Photo]:
        """Return four photographs of a source with other sheets on their roofs."""
        source = self._source(sheets.of)
        photos = self._read(source)
        if sheets.name not in self._outlines:
            paths = source.paths(self.roots)
            self._outlines[sheets.name] = sheets.polygons(paths, self.roots[source.root])
        chosen = rng.choice(len(photos), min(4, len(photos)), replace=False)
        scale = float(np.mean(source.scale))
        outlines = self._outlines[sheets.name]
        return [covered(photos[i], outlines[i], scale, rng) for i in chosen]

    def _patchwork(self, photos: Sequence[Photo], zoom: float, rng: np.random.Generator) -> Photo:
        """Return photographs beside and below each other until they fill an image."""
        first = _drawn(photos, zoom, rng)
        across, down = (
            int(np.ceil(wanted / had))
            for wanted, had in zip(self.size_wh, first.size_wh, strict=True)
        )
        if across * down == 1:
            return first
        width, height = first.size_wh
        sheet = np.zeros((down * height, across * width, 3), np.uint8)
        boxes = []
        for row in range(down):
            for column in range(across):
                one = first if row == column == 0 else _drawn(photos, zoom, rng)
                one = one.window(0, 0, (width, height))
                shown = cv2.copyMakeBorder(
                    one.image_bgr,
                    *(0, height - one.size_wh[1], 0, width - one.size_wh[0]),
                    cv2.BORDER_CONSTANT,
                    value=(114, 114, 114),
                )
                corner = np.array([column * width, row * height] * 2)
                sheet[corner[1] : corner[1] + height, corner[0] : corner[0] + width] = shown
                boxes.append(one.boxes_xyxy + corner)
        return Photo(sheet, np.concatenate(boxes), first.class_id)

    def _laid(self, laid: Laid, rng: np.random.Generator) -> Photo:
        """Return a surface without anything on which one to four cut-out objects lie."""
        cutouts, class_id = self._cut(laid)
        ground = self._surface(laid.surfaces, rng)
        image_bgr = ground.copy()
        boxes: list[np.ndarray] = []  # type: ignore[type-arg]
        for _ in range(int(rng.integers(1, 5))):
            cutout = _turned(cutouts[int(rng.integers(len(cutouts)))], rng)
            height, width = cutout.cover.shape
            if height >= image_bgr.shape[0] or width >= image_bgr.shape[1]:
                continue
            x = int(rng.integers(0, image_bgr.shape[1] - width))
            y = int(rng.integers(0, image_bgr.shape[0] - height))
            if all(_apart((x, y, x + width, y + height), box) for box in boxes):
                boxes.append(cutout.lay(image_bgr, x, y))
        return Photo(image_bgr, np.array(boxes).reshape(-1, 4), class_id)

    def _drains(self, part: Drawn, rng: np.random.Generator) -> Photo:
        """Return drains drawn on a bare surface, or small ones on a window of a ground."""
        other = self._surface(part.surfaces, rng)
        if part.grounds and rng.random() < _GROUND_SHARE:
            source = self._source(part.grounds[int(rng.integers(len(part.grounds)))])
            window = self._window(source, self._read(source), rng)
            ground = Photo(window.image_bgr, window.boxes_xyxy, DRAIN_ID)
            return with_drains(ground, other, rng, most_px=part.ground_px)
        surface = Photo(self._surface(part.surfaces, rng), np.empty((0, 4)), DRAIN_ID)
        return with_drains(surface, other, rng)

    def _surface(self, names: Sequence[str], rng: np.random.Generator) -> Image:
        """Return an image of a bare surface: a piece without boxes, mirrored until it fills."""
        sources = [self._source(name) for name in names]
        for _ in range(_TRIES * 4):
            source = sources[int(rng.integers(len(sources)))]
            photo = _drawn(self._read(source), 1.0, rng)
            side = int(rng.integers(90, 220))
            x, y = (int(rng.integers(0, max(extent - side, 1))) for extent in photo.size_wh)
            if all(_apart((x, y, x + side, y + side), box) for box in photo.boxes_xyxy):
                piece = Photo(photo.image_bgr[y : y + side, x : x + side], np.empty((0, 4)))
                larger = piece.scaled(float(rng.uniform(1.0, 2.0))).image_bgr
                width, height = self.size_wh
                need = (max(height - larger.shape[0], 0), max(width - larger.shape[1], 0))
                filled = np.pad(larger, ((0, need[0]), (0, need[1]), (0, 0)), mode='symmetric')
                return filled[:height, :width].astype(np.uint8)
        msg = f'No bare surface was found in {", ".join(names)}; give other sources.'
        raise DatasetError(msg)

    def _cut(self, laid: Laid) -> tuple[list[Cutout], int]:
        source = self._source(laid.of)
        if laid.name not in self._cutouts:
            cut = crack_cutouts if source.class_id == _CRACK else rust_cutouts
            self._cutouts[laid.name] = [one for photo in self._read(source) for one in cut(photo)]
        if not self._cutouts[laid.name]:
            msg = f'Nothing could be cut out of {laid.of}; give photographs of clearer objects.'
            raise DatasetError(msg)
        return self._cutouts[laid.name], source.class_id or 0

    def _source(self, name: str) -> Source:
        return next(one for one in self.material.sources if one.name == name)

    def _read(self, source: Source) -> list[Photo]:
        if source.name not in self._photos:
            self._photos[source.name] = source.photos(self.roots)
        return self._photos[source.name]


def _drawn(photos: Sequence[Photo], zoom: float, rng: np.random.Generator) -> Photo:
    photo = photos[int(rng.integers(len(photos)))].scaled(zoom)
    return photo.posed(int(rng.integers(4)), mirrored=bool(rng.random() < 0.5))


def _turned(cutout: Cutout, rng: np.random.Generator) -> Cutout:
    quarters, mirrored = int(rng.integers(4)), bool(rng.random() < 0.5)
    factor = float(np.exp(rng.uniform(np.log(0.6), np.log(1.6))))

    def turned(layer: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        posed = np.rot90(layer[:, ::-1] if mirrored else layer, quarters)
        size = tuple(max(round(side * factor), 2) for side in posed.shape[1::-1])
        return cv2.resize(np.ascontiguousarray(posed), size, interpolation=cv2.INTER_AREA)

    return Cutout(
        own_bgr=turned(cutout.own_bgr),
        cover=turned(cutout.cover),
        ratio_bgr=None if cutout.ratio_bgr is None else turned(cutout.ratio_bgr),
    )


def _apart(box: tuple[int, int, int, int], other: np.ndarray) -> bool:  # type: ignore[type-arg]
    wide = min(box[2], other[2]) - max(box[0], other[0])
    high = min(box[3], other[3]) - max(box[1], other[1])
    return bool(min(wide, high) <= 0)


def _exposed(photo: Photo, rng: np.random.Generator) -> Photo:
    """Return the image as another camera in another light would take it."""
    lit = (photo.image_bgr / 255.0) ** rng.uniform(0.75, 1.3) * 255 * rng.uniform(0.95, 1.05, 3)
    grainy = lit + rng.normal(0, rng.uniform(0, 4), lit.shape)
    taken = np.clip(grainy, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        taken = cv2.GaussianBlur(taken, (0, 0), rng.uniform(0.4, 1.2)).astype(np.uint8)
    return Photo(taken, photo.boxes_xyxy, photo.class_id)
