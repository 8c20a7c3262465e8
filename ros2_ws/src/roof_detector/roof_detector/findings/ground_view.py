# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Casts the detections of a frame onto the plane of the roofs, with their error in three parts."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.findings.errors import FindingsError
from roof_detector.findings.sightings import FrameSightings, GroundView
from roof_detector.georeference.ground_points import ground_jacobians, ground_rays

if TYPE_CHECKING:
    import numpy.typing as npt

    from roof_detector.findings.sightings import FrameReference
    from roof_detector.georeference.camera_fix import CameraFix
    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
    from roof_detector.vision.detections import Detections

# A box that ends this close to the image's edge, as a share of the image's side, may go on beyond.
_AT_EDGE = 0.004
_BORDER_POINTS = 3  # on each side of the image, for lenses that bend it
# How high objects stand over the plane of the roofs, or how low: roofs of one building differ by
# storeys. With 1.5 m, objects of a roof 8 m higher were split by their parallax into several.
OBJECT_HEIGHT_SIGMA_M = 3.0
_LONGEST_VIEW = 20.0  # heights of the camera: an outline that reaches further is of no use


@dataclass(frozen=True, kw_only=True)
class ErrorSplit:
    """How the errors of position and attitude divide between a whole flight and its frames.

    GPS without corrections is metres off for minutes and moves by centimetres from second to
    second; an attitude has an offset that stays (compass, mount) and a part that changes with
    every swing of the gimbal.
    """

    attitude_frame_share: float = 0.5
    """The share of the variance of the attitude that does not last for the whole flight."""
    position_jitter_share: float = 0.03
    """The standard deviation of the position from frame to frame, as a share of the whole."""
    pixel_px: float = 2.0
    """The distance of a box's centre from the centre of the object."""
    box_share: float = 0.05
    """The same as a share of the box's side: a detector is as sharp as its object is large."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value >= 0):
                msg = f'{field.name} is {value}, expected 0 or more.'
                raise FindingsError(msg)
        if max(self.attitude_frame_share, self.position_jitter_share) > 1:
            msg = (
                f'attitude_frame_share is {self.attitude_frame_share} and position_jitter_share '
                f'{self.position_jitter_share}, expected shares of at most 1.'
            )
            raise FindingsError(msg)


def frame_sightings(
    frame: FrameReference,
    detections: Detections,
    *,
    size_wh: tuple[int, int],
    track_ids: npt.NDArray[np.int64],
    fix: CameraFix | None,
    origin: LocalTangentPlane | None,
    split: ErrorSplit | None = None,
    reduction: float = 1.0,
    sharpness: float = math.nan,
) -> FrameSightings:
    """Return the sightings of a frame; without `fix` or `origin` they have no places.

    `reduction` is how many pixels of the frame are one of the network's input.
    """
    ground = None
    if fix is not None and origin is not None:
        ground = ground_view(
            fix,
            detections.boxes_xyxy,
            mask_areas_px=mask_areas(detections),
            size_wh=size_wh,
            origin=origin,
            split=split or ErrorSplit(),
            reduction=reduction,
        )
    return FrameSightings(
        frame=frame,
        size_wh=size_wh,
        boxes_xyxy=detections.boxes_xyxy,
        class_ids=detections.class_ids,
        confidences=detections.scores,
        track_ids=track_ids,
        ground=ground,
        sharpness=sharpness,
    )


def centres_and_corners(boxes_xyxy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the centre and the corners of boxes (n, 4) in pixels, (n, 5, 2).

    Corners go round from the lower left one: right, up, left.
    """
    left, top, right, bottom = boxes_xyxy.T
    columns = (
        ((left + right) / 2, (top + bottom) / 2),
        *((left, bottom), (right, bottom), (right, top), (left, top)),
    )
    return np.stack([np.stack(column, axis=-1) for column in columns], axis=1)


def ground_view(
    fix: CameraFix,
    boxes_xyxy: npt.NDArray[np.float32],
    *,
    mask_areas_px: npt.NDArray[np.float64],
    size_wh: tuple[int, int],
    origin: LocalTangentPlane,
    split: ErrorSplit,
    reduction: float = 1.0,
) -> GroundView:
    """Cast boxes (n, 4) and the image's border onto the plane below the camera.

    `mask_areas_px` (n,) is nan where there is no mask.
    """
    count = len(boxes_xyxy)
    boxes = boxes_xyxy.astype(np.float64).reshape(-1, 4)
    left, top, right, bottom = boxes.T
    pixels = centres_and_corners(boxes)
    # Boxes count from the corner of the first pixel, a lens from its centre.
    every = np.concatenate([pixels.reshape(-1, 2), border_pixels(size_wh)]) - 0.5
    rays = ground_rays(fix, every)
    camera = origin.to_enu(np.array([[fix.latitude_deg, fix.longitude_deg, origin.altitude_m]]))[
        0, :2
    ]
    points = camera + fix.height_m * rays[:, :2] / -rays[:, 2:]
    cast, corners = points[: 5 * count : 5], points[: 5 * count].reshape(-1, 5, 2)[:, 1:]
    centre_rays = rays[: 5 * count : 5]
    jacobians = ground_jacobians(fix, every[: 5 * count : 5], centre_rays)
    spread = np.hypot(split.pixel_px, split.box_share * np.maximum(right - left, bottom - top))
    scaled = jacobians.by_pixel * spread[:, None, None]
    own = scaled @ np.swapaxes(scaled, 1, 2)
    horizontal = fix.position_covariance[:2, :2]
    own += split.position_jitter_share**2 * horizontal
    tilt = fix.attitude_covariance[:2, :2] * (1 - split.attitude_frame_share)
    # A tilt about east moves what is below the camera to the north, and the other way round.
    swapped = np.array([[0.0, fix.height_m], [-fix.height_m, 0.0]])
    cut = cut_boxes(boxes, size_wh)
    own = own + spread_of_cut(corners, cut)
    (xx, xy), (yx, yy) = np.moveaxis(jacobians.by_pixel, 0, -1)
    pixel_m2 = np.nan_to_num(np.abs(xx * yy - xy * yx))
    outline = points[5 * count :]
    far = np.isnan(outline).any() or (
        np.linalg.norm(outline - camera, axis=1).max() > _LONGEST_VIEW * fix.height_m
    )
    level_sigma_m = math.sqrt(max(float(fix.position_covariance[2, 2]), 0.0))
    return GroundView(
        positions_en=cast,
        slopes=centre_rays[:, :2] / -centre_rays[:, 2:],
        own_covariance=own,
        turn_jacobians=jacobians.by_turn,
        turn_covariance=fix.attitude_covariance,
        flight_covariance=horizontal + swapped @ tilt @ swapped.T,
        sides_m=np.hypot(*np.moveaxis(corners[:, (1, 3)] - corners[:, :1], -1, 0)),
        half_extent_en=np.ptp(corners, axis=1) / 2,
        areas_m2=mask_areas_px * pixel_m2,
        metres_per_pixel=np.sqrt(pixel_m2),
        cut=cut,
        outline_en=np.zeros((0, 2)) if far else outline,
        camera_en=camera,
        height_m=fix.height_m,
        height_sigma_m=math.hypot(level_sigma_m, OBJECT_HEIGHT_SIGMA_M),
        level_sigma_m=level_sigma_m,
        focal_px=math.sqrt(float(fix.lens.matrix[0, 0] * fix.lens.matrix[1, 1])),
        axis=fix.rotation[:, 2],
        reduction=reduction,
    )


def border_pixels(size_wh: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Return pixels on the image's border; on the ground they run anticlockwise from above."""
    width, height = size_wh
    share = np.arange(_BORDER_POINTS) / _BORDER_POINTS
    sides = [
        ((0, height), (width, height)),
        ((width, height), (width, 0)),
        ((width, 0), (0, 0)),
        ((0, 0), (0, height)),
    ]
    return np.concatenate(
        [np.outer(1 - share, begin) + np.outer(share, end) for begin, end in sides]
    )


def cut_boxes(boxes: npt.NDArray[np.float64], size_wh: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return which boxes (n, 4) end at the edge of the image, and may go on beyond."""
    margin = _AT_EDGE * np.array(size_wh * 2) + 1
    limits = np.array((0, 0, *size_wh))
    return np.asarray((np.abs(boxes - limits) <= margin).any(axis=1))


def spread_of_cut(
    corners: npt.NDArray[np.float64], cut: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Return the covariance (n, 2, 2) of the centres of boxes that the image's edge cuts.

    As much again may lie beyond the edge, so the centre may be half a box away.
    """
    half = np.ptp(corners, axis=1).max(axis=1, initial=0.0) / 2
    return (np.where(cut, half, 0.0) ** 2)[:, None, None] * np.eye(2)


def mask_areas(detections: Detections) -> npt.NDArray[np.float64]:
    """Return the areas of masks in pixels (n,), nan where the network has none."""
    if detections.masks is None:
        return np.full(len(detections), np.nan)
    return np.array(
        [np.count_nonzero(inside) for _, inside in detections.masks.windows()], np.float64
    )
