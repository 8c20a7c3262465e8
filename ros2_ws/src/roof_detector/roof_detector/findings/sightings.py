# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Sightings: the detections of one frame and where on the ground they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.errors import FindingsError

if TYPE_CHECKING:
    import numpy.typing as npt

# How high the camera of an orthophoto is taken to be: it looks straight down everywhere.
ORTHOGRAPHIC_M = 1e6


@dataclass(frozen=True, kw_only=True)
class FrameReference:
    """Which frame it was: the input as the user named it, its topic, number, name and stamp.

    `flight` is the same for all cameras and images that share one error of position, such as those
    of one take-off.
    """

    flight: str
    source: str
    topic: str
    index: int
    name: str
    stamp_ns: int


@dataclass(frozen=True, eq=False, kw_only=True)
class GroundView:
    """What a frame showed of the level plane of the roofs, in metres east and north of an origin.

    `positions_en` (n, 2) are where the rays through the detections meet the plane, nan where they
    do not; `slopes` (n, 2) by how much that moves for each metre that the object is higher than
    the plane. The error has three parts: `own_covariance` (n, 2, 2) of each detection alone; that
    of the frame's attitude, a turn about east, north and up of `turn_covariance` (3, 3) which
    moves the positions by `turn_jacobians` (n, 2, 3); and `flight_covariance` (2, 2), the same for
    the whole flight. `sides_m` (n, 2) are width and height of the boxes on
    the ground, `half_extent_en` (n, 2) half of their extent to the east and the north,
    `areas_m2` (n,) the areas of masks, nan without. `cut` (n,) tells which boxes end at the edge
    of the image. `outline_en` (k, 2) is what the image shows of the plane, anticlockwise, empty
    where it reaches the horizon.
    """

    positions_en: npt.NDArray[np.float64]
    slopes: npt.NDArray[np.float64]
    own_covariance: npt.NDArray[np.float64]
    turn_jacobians: npt.NDArray[np.float64]
    turn_covariance: npt.NDArray[np.float64]
    flight_covariance: npt.NDArray[np.float64]
    sides_m: npt.NDArray[np.float64]
    half_extent_en: npt.NDArray[np.float64]
    areas_m2: npt.NDArray[np.float64]
    metres_per_pixel: npt.NDArray[np.float64]
    cut: npt.NDArray[np.bool_]
    outline_en: npt.NDArray[np.float64]
    camera_en: npt.NDArray[np.float64]
    height_m: float
    height_sigma_m: float
    """Of an object over the plane that the height counts from."""
    level_sigma_m: float
    """Of that plane, which is the same for all objects."""
    focal_px: float
    axis: npt.NDArray[np.float64]
    """The direction (3,) of the optical axis in east, north, up."""
    reduction: float = 1.0
    """How many pixels of the image are one of the network's input: what it detects depends on it.
    """

    def __post_init__(self) -> None:
        count = len(self.positions_en)
        for name, shape in (
            ('positions_en', (count, 2)),
            ('slopes', (count, 2)),
            ('own_covariance', (count, 2, 2)),
            ('turn_jacobians', (count, 2, 3)),
            ('turn_covariance', (3, 3)),
            ('flight_covariance', (2, 2)),
            ('sides_m', (count, 2)),
            ('half_extent_en', (count, 2)),
            ('areas_m2', (count,)),
            ('metres_per_pixel', (count,)),
            ('cut', (count,)),
        ):
            if getattr(self, name).shape != shape:
                msg = f'{name} has shape {getattr(self, name).shape}, expected {shape}.'
                raise FindingsError(msg)

    @property
    def is_orthographic(self) -> bool:
        """Return whether it is of an orthophoto, whose camera has no height."""
        return self.height_m >= ORTHOGRAPHIC_M

    def turned(self, covariance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the covariances (n, 2, 2) of the positions for one of the turn (3, 3)."""
        jacobians = self.turn_jacobians
        return np.asarray(np.einsum('nij,jk,nlk->nil', jacobians, covariance, jacobians))

    @cached_property
    def turn_errors(self) -> npt.NDArray[np.float64]:
        """Return the covariances (n, 2, 2) of the positions for the error of the attitude."""
        return self.turned(self.turn_covariance)

    def resolution_at(self, points_en: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the metres per pixel (n,) at points (n, 2) of the plane.

        A pixel at an angle f from the axis sees cos(f)^3 / focal^2 of the sphere, and the plane at
        an angle t from nadir shows height^2 / cos(t)^3 for each unit of it.
        """
        offsets = points_en - self.camera_en
        length = np.sqrt((offsets**2).sum(axis=1) + self.height_m**2)
        along = offsets @ self.axis[:2] - self.height_m * self.axis[2]
        cos_axis = np.minimum(np.maximum(along / length, 1e-3), 1.0)
        cos_nadir = self.height_m / length
        found: npt.NDArray[np.float64] = (
            self.height_m / self.focal_px * (cos_axis / cos_nadir) ** 1.5
        )
        return found

    def depth_inside(self, points_en: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return how far within the outline points (n, 2) are, in metres; negative outside."""
        if not len(self.outline_en):
            return np.full(len(points_en), -np.inf)
        normals, offsets = self._edges
        return np.asarray((points_en @ normals.T - offsets).min(axis=1))

    @cached_property
    def _edges(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the inward normals (k, 2) of the outline's edges, and their offsets (k,)."""
        outline = self.outline_en
        sides = np.concatenate([outline[1:], outline[:1]]) - outline
        sides /= np.maximum(np.hypot(sides[:, 0], sides[:, 1]), 1e-9)[:, None]
        normals = np.column_stack([-sides[:, 1], sides[:, 0]])
        return normals, (normals * outline).sum(axis=1)


@dataclass(frozen=True, eq=False, kw_only=True)
class FrameSightings:
    """The detections of one frame as a struct of arrays; `ground` is None without telemetry.

    `class_ids`, `confidences` and `track_ids` (n,) and `boxes_xyxy` (n, 4) in pixels; a track's
    number is 0 for none, and is of the stream `frame.topic` of the flight. `sharpness` is that of
    the image (`vision.sharpness`), nan where it was not measured.
    """

    frame: FrameReference
    size_wh: tuple[int, int]
    boxes_xyxy: npt.NDArray[np.float32]
    class_ids: npt.NDArray[np.int32]
    confidences: npt.NDArray[np.float32]
    track_ids: npt.NDArray[np.int64]
    ground: GroundView | None = None
    sharpness: float = float('nan')

    def __post_init__(self) -> None:
        count = len(self.confidences)
        for name in ('boxes_xyxy', 'class_ids', 'track_ids'):
            if len(getattr(self, name)) != count:
                msg = f'{name} has {len(getattr(self, name))} rows beside {count} confidences.'
                raise FindingsError(msg)
        if self.ground is not None and len(self.ground.positions_en) != count:
            msg = f'There are {len(self.ground.positions_en)} positions of {count} detections.'
            raise FindingsError(msg)

    def __len__(self) -> int:
        return len(self.confidences)
