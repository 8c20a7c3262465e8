# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Drains drawn on photographs of bare surfaces, beside objects that look like them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from training.research.realset import grates, street
from training.research.realset.photo import Photo
from training.research.realset.relief import DIRTY, DrawnLight, Pose, cloud, lay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.dataset.instance import Floats
    from training.research.realset.photo import Image

DRAIN_ID = 1
_KINDS = (
    *((grates.gully, 0.42), (grates.waffle, 0.1), (grates.channel, 0.12)),
    *((grates.round_grate, 0.16), (grates.roof_drain, 0.2)),
)
_SCUPPER_SHARE = 0.06
_MOST_PX = 450.0
_LEAST_TILTED_PX = 60.0
_MOST_TILT = float(np.deg2rad(45))
_TRIES = 40
_LEAST_SEEN = 0.65
_WHOLE_SHARE = 0.75
_LEAST_LEAFY_PX = 16.0
_LEAST_CHANGE = 14.0
_LEAST_GREY = 70.0
_MOST_SPREAD = 10.0
_LEAST_SPREAD = 0.8
_MOST_TINT = 25.0


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Drains drawn on bare pieces of sources, and on whole windows of grounds; their share.

    On grounds a drain is 12 to `ground_px` pixels long, as their scale makes it, on pieces up
    to 450; a channel may be half as long again.
    """

    name: str
    surfaces: tuple[str, ...]
    grounds: tuple[str, ...]
    share: float
    ground_px: float = 30.0


def read_drawn(content: Mapping[str, Mapping[str, Any]]) -> tuple[Drawn, ...]:
    """Return what real_material.yaml describes under `drawn`."""
    return tuple(
        Drawn(
            name=name,
            surfaces=tuple(one['surfaces']),
            grounds=tuple(one.get('grounds', ())),
            share=float(one['share']),
            ground_px=float(one.get('ground_px', Drawn.ground_px)),
        )
        for name, one in content.items()
    )


def with_drains(
    surface: Photo, other_bgr: Image, rng: np.random.Generator, *, most_px: float = _MOST_PX
) -> Photo:
    """Return a surface with one to three drains and up to three objects that are none.

    Nothing is drawn over the boxes that the surface has, nor are drains over one another.
    `other_bgr` is a second surface of the same size, for pavements, walls and inlays.
    """
    scene = _DrawnScene.begun(surface, other_bgr, most_px, rng)
    if scene.near and not scene.taken:
        scene.pave_or_wall(rng)
    for i in range(int(rng.choice([1, 1, 1, 2, 2, 3]))):
        scene.add_drain(first=i == 0, rng=rng)
    for _ in range(int(rng.choice([0, 1, 1, 2, 3]))):
        scene.add_decoy(rng)
    if not len(surface.boxes_xyxy):
        scene.finish(rng)
    boxes = np.array([*surface.boxes_xyxy, *scene.drains], dtype=np.float64).reshape(-1, 4)
    return Photo(scene.image_bgr, boxes, DRAIN_ID)


@dataclass(kw_only=True)
class _DrawnScene:
    """An image that is drawn into, seen at one tilt in one light."""

    image_bgr: Image
    other_bgr: Image
    light: DrawnLight
    most_px: float
    first_px: float
    turn: float
    tilt: float
    taken: list[Floats]
    drains: list[Floats]
    kerbed: bool = False

    @property
    def near(self) -> bool:
        """Return whether the surface is near enough to be paved and to have kerbs."""
        return self.most_px >= _LEAST_TILTED_PX

    @classmethod
    def begun(
        cls, surface: Photo, other_bgr: Image, most_px: float, rng: np.random.Generator
    ) -> _DrawnScene:
        """Return the scene of a surface before anything is drawn on it."""
        least = _LEAST_TILTED_PX if most_px > _LEAST_TILTED_PX and rng.random() < 0.5 else 12.0
        first_px = float(np.exp(rng.uniform(np.log(least), np.log(most_px))))
        slanting = first_px >= _LEAST_TILTED_PX and rng.random() < 0.65
        image_bgr = surface.image_bgr.copy()
        if not len(surface.boxes_xyxy):
            dark = float(np.median(image_bgr))
            street.shade(
                image_bgr, np.full(image_bgr.shape[:2], max(_LEAST_GREY / max(dark, 8), 1))
            )
        return cls(
            image_bgr=image_bgr,
            other_bgr=other_bgr,
            light=DrawnLight.drawn(rng),
            most_px=most_px,
            first_px=first_px,
            turn=rng.normal(0, 0.6) if slanting else rng.uniform(0, 2 * np.pi),
            tilt=rng.uniform(0.1, _MOST_TILT) if slanting else 0.0,
            taken=[*surface.boxes_xyxy],
            drains=[],
        )

    def pave_or_wall(self, rng: np.random.Generator) -> None:
        """Lay slabs now and then, and a wall with a scupper at its foot."""
        spots = cloud(self.image_bgr.shape, 180, rng)  # a mirrored piece is too regular
        street.shade(self.image_bgr, 1 + rng.uniform(0.01, 0.07) * spots)
        if rng.random() < 0.3:
            street.pave(self.image_bgr, self._pose(self.first_px, rng), rng)
        if rng.random() < _SCUPPER_SHARE:
            pose = self._pose(self.first_px * 0.7, rng)
            box = street.scupper(self.image_bgr, self.other_bgr, pose, self.light, rng)
            if box is not None:
                self.drains.append(box)
                self.taken.append(box)

    def add_drain(self, *, first: bool, rng: np.random.Generator) -> None:
        """Draw one drain where nothing is yet, the first one now and then at a kerb."""
        if self.kerbed or (first and self.drains):
            return
        shares = np.array([share for _, share in _KINDS])
        kind = _KINDS[int(rng.choice(len(_KINDS), p=shares / shares.sum()))][0]
        shape = kind(rng)
        size = self.first_px if first else self.first_px * rng.uniform(0.6, 1.4)
        size *= 1.5 if kind is grates.channel else 1.0
        pose = self._place(shape, float(np.clip(size, *(12, self.most_px * 1.5))), rng)
        if pose is None:
            return
        if first and self.near and not self.taken and shape.corner is not None:
            self.kerbed = bool(rng.random() < 0.4)
        if self.kerbed:
            edge = shape.half_wh[1] + float(rng.choice([0.02, rng.uniform(0.0, 0.4)]))
            street.kerb(self.image_bgr, self.other_bgr, pose, edge=edge, light=self.light, rng=rng)
        before = self.image_bgr.copy()
        box = lay(self.image_bgr, shape, pose, self.light, rng)
        if box is None or _change(before, self.image_bgr, box) < _LEAST_CHANGE:
            self.image_bgr[...] = before  # nobody could see it
            return
        self.drains.append(box)
        self.taken.append(box)

    def add_decoy(self, rng: np.random.Generator) -> None:
        """Draw one object that is no drain, where nothing is yet."""
        kind = rng.random()
        size = float(np.clip(self.first_px * np.exp(rng.normal(0.1, 0.5)), 10, self.most_px))
        shape = grates.cover(rng)
        pose = self._place(shape, size, rng)
        if pose is None:
            return
        half = size / 2
        place = np.array(pose.centre_xy)
        if kind < 0.45:
            lay(self.image_bgr, shape, pose, self.light, rng)
        elif kind < 0.65:
            street.patch(self.image_bgr, place, half * 0.6, rng)
        elif kind < 0.82:
            street.mark(self.image_bgr, place, half * 0.6, rng)
        else:
            street.inlay(self.image_bgr, self.other_bgr, place, half * 0.6, rng)
        self.taken.append(_expected(shape, pose))

    def finish(self, rng: np.random.Generator) -> None:
        """Strew leaves over some drains, and cast a hard shadow over the whole now and then."""
        for box in self.drains:
            sides = box[2:] - box[:2]
            reach = float(min(sides.max() / 2, sides.min()))
            if reach > _LEAST_LEAFY_PX and rng.random() < 0.3:
                street.leaves(self.image_bgr, (box[:2] + box[2:]) / 2, reach, self.light, rng)
        if rng.random() < 0.25:
            street.shadow(self.image_bgr, self.light, rng)

    def _pose(self, size_px: float, rng: np.random.Generator) -> Pose:
        height, width = self.image_bgr.shape[:2]
        return Pose(
            centre_xy=(rng.uniform(0, width), rng.uniform(0, height)),
            half_px=size_px / 2,
            turn=self.turn
            + (rng.normal(0, 0.03) if self.kerbed else float(rng.choice([0, 0, 1.57]))),
            tilt=self.tilt,
            distance=rng.uniform(4, 10) * max(100 / size_px, 0.7),
        )

    def _place(self, shape: grates.Shape, size_px: float, rng: np.random.Generator) -> Pose | None:
        """Return a pose in which most of a shape is seen, away from all that is there."""
        size_wh = np.array(self.image_bgr.shape[1::-1])
        least = 0.99 if rng.random() < _WHOLE_SHARE else _LEAST_SEEN
        for i in range(_TRIES):
            pose = self._pose(size_px, rng)
            box = _expected(shape, pose)
            seen = np.clip(box[2:], 0, size_wh) - np.clip(box[:2], 0, size_wh)
            needed = least if i < _TRIES / 2 else _LEAST_SEEN  # the largest never fit whole
            if (seen < needed * (box[2:] - box[:2])).any():
                continue
            apart_px = 4 + DIRTY * pose.half_px
            if any(_gap_px(box, one) < apart_px for one in self.taken):
                continue
            if self.near or _is_smooth(self.image_bgr, box):
                return pose
        return None


def _expected(shape: grates.Shape, pose: Pose) -> Floats:
    """Return the box of a shape before it is drawn."""
    points = pose.pixels(shape.points())
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _change(before: Image, after: Image, box: Floats) -> float:
    """Return by how many grey levels, on average, a place differs."""
    x1, y1, x2, y2 = box.astype(int)
    place = np.s_[y1:y2, x1:x2]
    return float(np.abs(after[place].astype(np.float32) - before[place]).mean())


def _gap_px(box: Floats, other: Floats) -> float:
    return float(np.maximum(box[:2] - other[2:], other[:2] - box[2:]).max())


def _is_smooth(image_bgr: Image, box: Floats) -> bool:
    """Return whether a place of a ground is a street or a pavement, not a car or a tree."""
    x1, y1, x2, y2 = np.maximum(np.round(box + np.array([-6, -6, 6, 6])), 0).astype(int)
    place = image_bgr[y1:y2, x1:x2].astype(np.float32)
    grey = abs(float(place[..., 2].mean() - place[..., 0].mean())) < _MOST_TINT
    spread = place.mean(axis=2).std()
    return bool(_LEAST_SPREAD < spread < _MOST_SPREAD and grey)  # below are the grey borders
