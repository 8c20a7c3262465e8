# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A survey flight over a world: frames with exact ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.simulation.camera.bend import Bend
from roof_detector.simulation.camera.optics import Optics
from roof_detector.simulation.camera.painter import Painter
from roof_detector.simulation.camera.pinhole_camera import PinholeCamera
from roof_detector.simulation.camera.truth import read_ground_truth
from roof_detector.simulation.camera.view import paint_world
from roof_detector.simulation.errors import SimulationError
from roof_detector.simulation.flight.flight_config import FlightConfig
from roof_detector.simulation.flight.survey_path import SurveyPath

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from roof_detector.georeference.pose import CameraPose
    from roof_detector.simulation.world.roof_world import RoofWorld


@dataclass(frozen=True, kw_only=True)
class FlightFrame:
    """One image (h, w, 3), its ground truth and its camera pose.

    Boxes are in pixels with exclusive right and lower edges and are the extent of the mask's
    pixels whose value is position + 1. `pose_enu` is the optical frame's position and x, y, z, w.
    """

    index: int
    stamp_s: float
    image_bgr: NDArray[np.uint8]
    boxes_xyxy: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    instance_ids: NDArray[np.int32]
    mask: NDArray[np.uint16]
    positions_enu: NDArray[np.float64]
    camera: PinholeCamera
    pose_enu: tuple[NDArray[np.float64], NDArray[np.float64]]
    latitude_deg: float
    longitude_deg: float
    altitude_m: float


class SurveyFlight:
    """The frames of a flight by index; the same seed and index give the same frame."""

    def __init__(self, world: RoofWorld, config: FlightConfig | None = None, *, seed: int) -> None:
        if seed < 0:
            msg = f'The seed is {seed}; give a whole number from zero up.'
            raise SimulationError(msg)
        self.world = world
        self.config = config or FlightConfig()
        self.seed = seed
        self.camera = PinholeCamera.centred(
            self.config.size_wh, focal_px=self.config.focal_ratio * self.config.size_wh[0]
        )
        rng = np.random.default_rng([seed, 2])
        self.path = SurveyPath.over(world, self.config, rng)
        self._optics = Optics(self.config, rng)
        self._bend = Bend.of(self.config)
        self._instances = {instance.instance_id: instance for instance in world.instances}
        self._earth = LocalTangentPlane(
            self.config.latitude_deg, self.config.longitude_deg, self.config.altitude_origin_m
        )

    def __len__(self) -> int:
        return max(int(self.path.duration_s * self.config.rate_hz), 1)

    def __iter__(self) -> Iterator[FlightFrame]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> FlightFrame:
        if not -len(self) <= index < len(self):
            msg = f'Frame {index} of a flight of {len(self)} frames does not exist.'
            raise IndexError(msg)
        index %= len(self)
        stamp_s = index / self.config.rate_hz
        return self.render(self.path.pose(stamp_s), index=index, stamp_s=stamp_s)

    def render(self, pose: CameraPose, *, index: int, stamp_s: float) -> FlightFrame:
        """Render a frame from any pose, with the sway and noise of an index and a time."""
        painter = Painter(self.camera, pose, grain=self.world.grain)
        paint_world(self.world, painter)
        truth = read_ground_truth(painter, self._instances)
        ideal = painter.image_bgr
        if self._bend is not None:
            truth, ideal = self._bend.truth(truth), self._bend.image(ideal)
        exposure = 1 + self.config.exposure_swing * self.path.sway(stamp_s + 31.7, 2)
        image = self._optics.develop(
            ideal,
            np.random.default_rng([self.seed, 3, index]),
            smear_px=self._smear(pose, stamp_s),
            exposure=exposure,
        )
        latitude, longitude, altitude = self._earth.to_geodetic(pose.position_enu)
        return FlightFrame(
            index=index,
            stamp_s=stamp_s,
            image_bgr=image,
            boxes_xyxy=truth.boxes_xyxy,
            class_ids=truth.class_ids,
            instance_ids=truth.instance_ids,
            mask=truth.mask,
            positions_enu=truth.positions_enu,
            camera=self.camera,
            pose_enu=(pose.position_enu, pose.quaternion_xyzw),
            latitude_deg=float(latitude),
            longitude_deg=float(longitude),
            altitude_m=float(altitude),
        )

    def _smear(self, pose: CameraPose, stamp_s: float) -> tuple[float, float]:
        travel = self.path.velocity(stamp_s) @ pose.rotation * self.config.motion_blur_s
        scale = self.camera.fx / self.config.altitude_m
        return float(travel[0] * scale), float(travel[1] * scale)
