# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A rebuilt orthophoto: its roofs in other colours, and roofs that were never there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from training.dataset.tiling import clip_polygon
from training.research.orthophoto.counterexamples import FreeGround
from training.research.orthophoto.grey_roof import make_grey
from training.research.orthophoto.moved_patch import MovedPatch, cut_out, move, rotation
from training.research.orthophoto.roof_paint import Image, paint_roof
from training.research.orthophoto.turned_window import BEYOND_BGR

if TYPE_CHECKING:
    from training.dataset.instance import Floats
    from training.research.orthophoto.roof_stock import RoofStock

_MARGIN_PX = 8
_TRIES = 600
_PHOTOGRAPHED_SHARE = 0.95


@dataclass(frozen=True, eq=False)
class Settlement:
    """An image (height, width, 3) BGR and the outlines (n, 2) of every roof in it."""

    image_bgr: Image
    outlines: list[Floats]

    def west_of(self, x: int) -> Settlement:
        """Return the part west of a column; the rest is grey, and roofs end there."""
        image_bgr = np.full_like(self.image_bgr, BEYOND_BGR)
        image_bgr[:, :x] = self.image_bgr[:, :x]
        shown = (0, 0, x, self.image_bgr.shape[0])
        parts = [clip_polygon(outline, shown) for outline in self.outlines]
        return Settlement(image_bgr, [part for part in parts if len(part) >= 3])

    def rebuilt(
        self,
        rng: np.random.Generator,
        *,
        until_x: int,
        stock: RoofStock | None = None,
        grey_share: float = 0.0,
    ) -> Settlement:
        """Return a variant of the part west of a column.

        A third of its roofs change colour; 25 to 90 new ones of 18 to 190 pixels come in clusters,
        with shadows; some stand under trees. Nearly all of the new ones are photographed roofs
        from the stock; without one, all are painted. `grey_share` of all become grey, most of them
        flat. Counterexamples are added: yards of bare soil, bushes, dark spots, and pieces of
        ground that are cut out and pasted like roofs.
        """
        builder = _SettlementBuilder(self, until_x, rng, stock, grey_share)
        builder.lay_yards()
        builder.move_ground()
        builder.repaint()
        builder.add_roofs()
        builder.scatter()
        return Settlement(builder.image_bgr, builder.outlines)


class _SettlementBuilder:
    def __init__(
        self,
        old: Settlement,
        until_x: int,
        rng: np.random.Generator,
        stock: RoofStock | None,
        grey_share: float,
    ) -> None:
        self.image_bgr = old.image_bgr.copy()
        self.outlines = list(old.outlines)
        self._old, self._rng, self._stock, self._grey_share = old, rng, stock, grey_share
        self._extent = np.array([until_x, old.image_bgr.shape[0]], dtype=np.float64)
        self._built = np.zeros(old.image_bgr.shape[:2], np.uint8)
        for outline in old.outlines:
            cv2.fillPoly(self._built, [outline.astype(np.int32)], (1,))
        self._built[:, until_x:] = 1  # nothing is shown there, so nothing is placed there
        self._ground = FreeGround(self.image_bgr, self._built, rng)
        direction = rng.uniform(0, 2 * np.pi)
        self._shadow = rng.uniform(4, 22) * np.array([np.cos(direction), np.sin(direction)])
        self._darkness = rng.uniform(0.3, 0.65)

    def lay_yards(self) -> None:
        """Paint soil and concrete beside the roofs."""
        rng = self._rng
        for _ in range(rng.integers(4, 14)):
            centre = rng.uniform(100, self._extent - 100)
            yard = _turned(_plan(rng) * rng.uniform(1, 3), rng.uniform(0, np.pi)) + centre
            self._ground.lay_yard(yard)

    def move_ground(self) -> None:
        """Paste lawns, soil and roads elsewhere like roofs: such an edge alone is no roof."""
        rng = self._rng
        for _ in range(rng.integers(15, 70)):
            piece = _turned(_plan(rng) * rng.uniform(1, 1.6), rng.uniform(0, np.pi))
            piece += rng.uniform(0, self._extent)
            cut = cut_out(self._old.image_bgr, piece) if self._fits(piece) else None
            if cut is None:
                continue
            laid = move(
                *cut,
                rng.uniform(0, self._extent),
                angle_rad=rng.uniform(0, np.pi),
                scale=rng.uniform(0.6, 1.4),
                rng=rng,
            )
            if self._fits(laid.outline):
                if rng.random() < 0.3:
                    _darken(self.image_bgr, laid.outline, self._shadow, self._darkness)
                laid.lay(self.image_bgr, rng)

    def scatter(self) -> None:
        """Plant bushes and paint dark spots where no roof stands."""
        rng = self._rng
        for _ in range(rng.integers(10, 60)):
            centre = rng.uniform(0, self._extent)
            radius = float(np.exp(rng.uniform(np.log(6), np.log(45))))
            if rng.random() < 0.6:
                shadow = self._shadow * min(1.0, radius / 25)
                self._ground.plant_bush(centre, radius, shadow, self._darkness)
            else:
                darkness, softness = rng.uniform(0.15, 0.6), rng.uniform(0, 1)
                self._ground.blot(centre, radius / 2, darkness, softness=softness)

    def repaint(self) -> None:
        """Give a third of the roofs another colour, and the grey share a grey look."""
        for outline in self._old.outlines:
            within = np.clip(outline, 0, self._extent - 1)
            if self._to_be_grey():
                make_grey(self.image_bgr, within, self._rng, self._shadow)
            elif self._rng.random() < 0.35:
                paint_roof(self.image_bgr, within, self._rng, keep_detail=True)
                if self._rng.random() < 0.25:
                    self._overgrow(_cover(within)[0])

    def add_roofs(self) -> None:
        """Build new roofs in clusters of one heading on free ground."""
        rng = self._rng
        wanted = rng.integers(25, 90)
        middle, heading = rng.uniform(0, self._extent), rng.uniform(0, np.pi)
        for _ in range(_TRIES):
            if not wanted:
                return
            if rng.random() < 0.3:
                middle, heading = rng.uniform(0, self._extent), rng.uniform(0, np.pi)
            angle = heading + rng.choice([0, np.pi / 2]) + rng.normal(0, 0.06)
            place = middle + rng.normal(0, 110, 2)
            moved = self._photographed(place, angle)
            roof = moved.outline if moved else _turned(_plan(rng), angle) + place
            if self._fits(roof):
                self._build(roof, moved)
                wanted -= 1

    def _photographed(self, place: Floats, angle_rad: float) -> MovedPatch | None:
        if not self._stock or self._rng.random() >= _PHOTOGRAPHED_SHARE:
            return None
        return self._stock.draw(place, angle_rad, self._rng)

    def _fits(self, roof: Floats) -> bool:
        low, high = roof.min(0), roof.max(0)
        if (low < _MARGIN_PX).any() or (high > self._extent - _MARGIN_PX).any():
            return False
        box, cover = _cover(roof)
        return bool((self._built[box] * cover).sum() <= 0.02 * cover.sum())

    def _build(self, roof: Floats, moved: MovedPatch | None) -> None:
        height = min(1.0, float(np.ptp(roof, axis=0).max()) / 80 + 0.3)
        _darken(self.image_bgr, roof, self._shadow * height, self._darkness)
        if moved:
            moved.lay(self.image_bgr, self._rng)
        else:
            paint_roof(self.image_bgr, roof, self._rng, keep_detail=False)
        if self._to_be_grey():
            make_grey(self.image_bgr, roof, self._rng, self._shadow)
        box, cover = _cover(roof)
        if self._rng.random() < 0.25:
            self._overgrow(box)
        self._built[box] |= cover
        self.outlines.append(roof)

    def _to_be_grey(self) -> bool:
        return self._grey_share > 0 and self._rng.random() < self._grey_share

    def _overgrow(self, box: tuple[slice, slice]) -> None:
        """Let trees of another place cover less than half of a roof."""
        rng = self._rng
        height, width = box[0].stop - box[0].start, box[1].stop - box[1].start
        top = rng.integers(0, self._extent[1] - height)
        left = rng.integers(0, self._extent[0] - width)
        other = self._old.image_bgr[top : top + height, left : left + width]
        green = (other[..., 1].astype(int) - other[..., 2] > 6) & (other.mean(axis=2) < 120)
        opened = cv2.morphologyEx(
            green.astype(np.float32), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)
        )
        share = cv2.GaussianBlur(opened, (0, 0), 1)[..., None]
        if share.mean() < 0.45:
            self.image_bgr[box] = self.image_bgr[box] * (1 - share) + other * share


def _plan(rng: np.random.Generator) -> Floats:
    """Return a rectangle or an L (n, 2) around the origin, 18 to 170 pixels long."""
    length = float(np.exp(rng.uniform(np.log(18), np.log(170))))
    width = length * rng.uniform(0.35, 1)
    if rng.random() < 0.25 and length > 50:
        x, y = length * rng.uniform(0.3, 0.7), width * rng.uniform(0.3, 0.7)
        corners = [(0, 0), (length, 0), (length, y), (x, y), (x, width), (0, width)]
    else:
        corners = [(0, 0), (length, 0), (length, width), (0, width)]
    return np.array(corners, dtype=np.float64) - (length / 2, width / 2)


def _turned(points: Floats, angle_rad: float) -> Floats:
    return points @ rotation(angle_rad).T


def _cover(outline: Floats) -> tuple[tuple[slice, slice], npt.NDArray[np.uint8]]:
    left, top = np.floor(outline.min(0)).astype(int)
    right, bottom = np.ceil(outline.max(0)).astype(int) + 1
    cover = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(cover, [(outline - (left, top)).astype(np.int32)], (1,))
    return (slice(top, bottom), slice(left, right)), cover


def _darken(image_bgr: Image, outline: Floats, offset: Floats, darkness: float) -> None:
    """Darken the ground that a roof's outline sweeps over when moved by `offset`."""
    reach = np.concatenate([outline, outline + offset])
    left, top = np.maximum(np.floor(reach.min(0)).astype(int) - 4, 0)
    right, bottom = np.ceil(reach.max(0)).astype(int) + 5
    ground = image_bgr[top:bottom, left:right]
    cover = np.zeros(ground.shape[:2], np.float32)
    for share in np.linspace(0, 1, 5):
        moved = outline + offset * share - (left, top)
        cv2.fillPoly(cover, [np.round(moved).astype(np.int32)], (1.0,))
    shade = 1 - cv2.GaussianBlur(cover, (0, 0), 1.2)[..., None] * darkness
    ground[:] = (ground * shade).astype(np.uint8)
