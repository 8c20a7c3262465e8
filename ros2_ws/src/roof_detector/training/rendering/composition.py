# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Labelled objects on a real image, and frames of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.georeference.pose import CameraPose
from roof_detector.simulation import FlightConfig, PinholeCamera, classes
from roof_detector.simulation.camera.optics import Optics
from roof_detector.simulation.camera.painter import Painter
from roof_detector.simulation.camera.truth import Truth, read_ground_truth
from roof_detector.simulation.camera.view import paint_solids
from roof_detector.simulation.props.clutter import CLUTTER
from roof_detector.simulation.props.equipment import Builder, choose_equipment
from roof_detector.simulation.props.parapet import parapet_piece
from roof_detector.simulation.props.split_unit import split_unit
from roof_detector.simulation.surfaces.defect import DEFECTS
from roof_detector.simulation.world.building import finish_section
from roof_detector.simulation.world.instance import WorldInstance
from roof_detector.simulation.world.maker import Maker
from roof_detector.simulation.world.solid import axes_of
from roof_detector.simulation.world.survey_of_ids import survey_ids
from training.rendering.photo_ground import SAMPLE_M, PhotoGround, facet_beyond

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from roof_detector.simulation.world.facet import Facet
    from roof_detector.simulation.world.solid import Solid

CANDIDATES = 24
# A place that is rougher or greener than this is a tree, a hedge or a heap and stays free.
UNFIT = 32.0
THINGS = (6, 22)
DISTRACTOR_SHARE = 0.25


@dataclass(frozen=True, kw_only=True)
class ComposedFrame:
    """One image (h, w, 3) with its ground truth."""

    image_bgr: NDArray[np.uint8]
    boxes_xyxy: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    mask: NDArray[np.uint16]


class Composition:
    """An image from above with objects on it, at its own scale."""

    def __init__(
        self, ground: PhotoGround, rng: np.random.Generator, *, parapet_share: float = 0.0
    ) -> None:
        self._ground = ground
        self._rng = rng
        self._parapet_share = parapet_share
        self._make = Maker(ground.light(rng), rng)
        self._section = ground.section()
        self._unfit = ground.unfitness()
        self._taken: list[tuple[float, float, float]] = []
        self._solids: list[Solid] = []
        self._instances: list[WorldInstance] = []
        self._painted: dict[int, tuple[int, float]] = {}
        for _ in range(int(rng.integers(*THINGS))):
            self._lay()
        self._instances += survey_ids(self._section, self._painted, rng)
        self._facet: Facet = facet_beyond(finish_section(self._section, self._make, self._solids))
        self._tint = ground.tint()

    def frame(self, size_wh: tuple[int, int], *, scale: int) -> ComposedFrame:
        """Render a frame, `scale` times larger than the `size_wh` that shows pixels one to one."""
        rng = self._rng
        large = (size_wh[0] * scale, size_wh[1] * scale)
        config = FlightConfig(
            size_wh=large,
            focal_ratio=float(rng.uniform(0.7, 1.0)),
            defocus_px=float(rng.uniform(0, 0.6)),
            noise=float(rng.uniform(0, 2)),
            contrast=1.0,
            vignetting=float(rng.uniform(0, 0.15)),
            white_balance=0.02,
            jpeg_quality=int(rng.integers(70, 96)),
        )
        camera = PinholeCamera.centred(large, focal_px=config.focal_ratio * large[0])
        zoom = float(np.exp(rng.uniform(np.log(0.75), np.log(1.3))))
        height = zoom * self._ground.metres_per_px * config.focal_ratio * size_wh[0]
        width_m, height_m = self._ground.size_m
        room = max(min(width_m, height_m) - np.hypot(*size_wh) * self._ground.metres_per_px, 0)
        east, north = rng.uniform(-0.5, 0.5, 2) * room
        pose = CameraPose.looking_down(
            [east, north, height],
            yaw_deg=float(rng.uniform(0, 360)),
            pitch_deg=float(rng.normal(0, 1.0)),
            roll_deg=float(rng.normal(0, 1.0)),
        )
        painter, truth = self._paint(camera, pose, blur_px=scale * float(rng.uniform(0.25, 0.7)))
        image = Optics(config, rng).develop(
            painter.image_bgr, rng, smear_px=(0.0, 0.0), exposure=1.0
        )
        return ComposedFrame(
            image_bgr=image,
            boxes_xyxy=truth.boxes_xyxy,
            class_ids=truth.class_ids,
            mask=truth.mask,
        )

    def _paint(
        self, camera: PinholeCamera, pose: CameraPose, *, blur_px: float
    ) -> tuple[Painter, Truth]:
        """Paint the ground, and the solids in the image's light and sharpness."""
        painter = Painter(camera, pose)
        painter.paint(self._facet)
        before = painter.image_bgr.copy()
        paint_solids(tuple(self._solids), painter)
        changed = (painter.image_bgr != before).any(axis=2)
        tinted = np.clip(painter.image_bgr * self._tint, 0, 255).astype(np.uint8)
        cv2.copyTo(tinted, changed.astype(np.uint8), painter.image_bgr)
        # Rendered edges are sharper than a photograph's: soften them, and nothing else.
        near = cv2.dilate(changed.astype(np.uint8), np.ones((5, 5), np.uint8))
        soft = cv2.GaussianBlur(painter.image_bgr, (0, 0), max(blur_px, 0.3))
        cv2.copyTo(soft, near, painter.image_bgr)
        return painter, read_ground_truth(
            painter, {instance.instance_id: instance for instance in self._instances}
        )

    def _lay(self) -> None:
        """Place one object of a random class, or one without a label."""
        rng = self._rng
        number = len(self._instances) + len(self._painted) + 1
        if rng.random() < DISTRACTOR_SHARE:
            weights = np.array([weight for _, weight, _ in CLUTTER])
            pick = int(rng.choice(len(CLUTTER), p=weights / weights.sum()))
            builder, _, radius = CLUTTER[pick]
            spot = self._free(radius)
            if spot is not None:
                self._solids.append(
                    builder(
                        self._base(spot), yaw=float(rng.uniform(0, 2 * np.pi)), make=self._make
                    )
                )
            return
        class_id = int(rng.integers(len(classes.CLASS_NAMES)))
        if class_id == classes.EQUIP:
            # Without parapets nothing is drawn for them: sets of old seeds stay what they were.
            if self._parapet_share > 0 and rng.random() < self._parapet_share:
                self._lay_row()
                return
            unit, radius = choose_equipment(rng)
            spot = self._free(radius)
            if spot is not None:
                yaw = float(rng.uniform(0, 2 * np.pi))
                self._stand_unit(unit, self._base(spot), yaw=yaw, make=self._make)
            return
        painter, radius = DEFECTS[class_id]
        spot = self._free(radius)
        if spot is not None:
            width = painter(self._section.canvas, spot, rng, instance=number)
            self._painted[number] = (class_id, np.inf if width is None else width)

    def _lay_row(self) -> None:
        """Place one to three alike split units side by side along a piece of a parapet."""
        rng = self._rng
        count, pitch = int(rng.integers(1, 4)), float(rng.uniform(1.1, 1.8))
        spot = self._free(0.5 * count * pitch + 0.5)
        if spot is None:
            return
        yaw = float(rng.uniform(0, 2 * np.pi))
        ahead, left = axes_of(yaw)
        base = self._base(spot)
        make = Maker(self._make.light, rng, self._make.white())
        away = float(rng.uniform(0.35, 0.9)) * float(rng.choice([-1.0, 1.0]))
        length = count * pitch + float(rng.uniform(0.3, 2.5))
        wall = parapet_piece(
            base + away * ahead, length=length, yaw=yaw + np.pi / 2, make=self._make
        )
        self._solids.append(wall)
        for i in range(count):
            place = base + (i - (count - 1) / 2) * pitch * left
            self._stand_unit(split_unit, place, yaw=yaw + float(rng.normal(0, 0.04)), make=make)

    def _stand_unit(
        self, unit: Builder, base: NDArray[np.float64], *, yaw: float, make: Maker
    ) -> None:
        number = len(self._instances) + len(self._painted) + 1
        solid = unit(base, yaw=yaw, make=make, instance=number)
        self._solids.append(solid)
        self._instances.append(
            WorldInstance(
                instance_id=number,
                class_id=classes.EQUIP,
                position_enu=base,
                outline=solid.outline,
                solid=True,
            )
        )

    def _base(self, spot: tuple[float, float]) -> NDArray[np.float64]:
        return self._section.plane.to_enu(spot)

    def _free(self, radius: float) -> tuple[float, float] | None:
        """Return the most even of some places that are clear of other objects."""
        rng = self._rng
        width, height = self._ground.size_m
        best, least = None, UNFIT
        for _ in range(CANDIDATES):
            u, v = rng.uniform(0.04, 0.96) * width, rng.uniform(0.04, 0.96) * height
            if any(np.hypot(u - a, v - b) < 1.2 * (radius + r) for a, b, r in self._taken):
                continue
            row = min(int(v / SAMPLE_M), self._unfit.shape[0] - 1)
            column = min(int(u / SAMPLE_M), self._unfit.shape[1] - 1)
            if self._unfit[row, column] < least:
                best, least = (float(u), float(v)), float(self._unfit[row, column])
        if best is not None:
            self._taken.append((*best, radius))
        return best
