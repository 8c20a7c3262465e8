# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The frames of an inspection's file: which they are, and where their pixels are on the ground."""

from __future__ import annotations

import math
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from roof_detector.findings.geopackage import store_errors
from roof_detector.findings.ground_view import border_pixels
from roof_detector.findings.sightings import FrameReference
from roof_detector.georeference.geopackage import outer_ring
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

# Parts of a flight whose positions have another error are flights of their own in the register.
_PART = re.compile(r' part \d+$')


@dataclass(frozen=True, kw_only=True)
class StoredFrame(FrameReference):
    """A frame as the file has it; `footprint_deg` is empty where it has no place.

    The footprint goes round the image's border, see `border_pixels`, in longitude and latitude.
    """

    size_wh: tuple[int, int]
    footprint_deg: tuple[tuple[float, float], ...] = ()

    @property
    def key(self) -> tuple[str, str, int]:
        """Return the flight, the topic and the number, which no other frame has."""
        return _PART.sub('', self.flight), self.topic, self.index


@dataclass(frozen=True, eq=False)
class GroundedFrame:
    """A frame with the outline (n, 2) of what it showed, in metres east and north of a plane."""

    frame: StoredFrame
    outline_en: npt.NDArray[np.float64]

    @cached_property
    def ground_from_pixel(self) -> npt.NDArray[np.float64]:
        """Return the homography (3, 3) from pixels, counted from the image's corner, to metres.

        A lens that bends the image is met as well as one homography can.
        """
        pixels = border_pixels(self.frame.size_wh)
        matrix, _ = cv2.findHomography(pixels, self.outline_en)
        return np.eye(3) if matrix is None else np.asarray(matrix, np.float64)

    @cached_property
    def centre_en(self) -> npt.NDArray[np.float64]:
        """Return where the middle of the image is."""
        width, height = self.frame.size_wh
        middle = self.ground_from_pixel @ (width / 2, height / 2, 1.0)
        return middle[:2] / middle[2]

    @cached_property
    def metres_per_pixel(self) -> float:
        """Return the resolution over the whole image."""
        width, height = self.frame.size_wh
        return math.sqrt(abs(_area(self.outline_en)) / (width * height))

    def resolution_at(self, points_en: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the metres per pixel (n,) at points (n, 2) of the plane."""
        to_pixel = np.linalg.inv(self.ground_from_pixel)
        scale = abs(np.linalg.det(to_pixel))
        weights = np.column_stack([points_en, np.ones(len(points_en))]) @ to_pixel[2]
        return np.sqrt(np.abs(weights) ** 3 / max(scale, 1e-30))


def read_stored_frames(path: Path) -> list[StoredFrame]:
    """Return all frames of a file in their order; raise FindingsError."""
    with store_errors(path), closing(sqlite3.connect(f'file:{path}?mode=ro', uri=True)) as store:
        rows = store.execute(
            'SELECT flight, source, topic, frame, name, stamp_ns, width_px, height_px, geom '
            'FROM frames ORDER BY fid'
        ).fetchall()
    return [
        StoredFrame(
            flight=flight,
            source=source,
            topic=topic,
            index=index,
            name=name,
            stamp_ns=stamp_ns,
            size_wh=(width, height),
            footprint_deg=() if geometry is None else tuple(outer_ring(geometry)[:-1]),
        )
        for flight, source, topic, index, name, stamp_ns, width, height, geometry in rows
    ]


def plane_of_frames(frames: Sequence[StoredFrame]) -> LocalTangentPlane | None:
    """Return the plane in the middle of what frames showed, None where none has a place."""
    corners = np.array([corner for frame in frames for corner in frame.footprint_deg])
    if not len(corners):
        return None
    longitude, latitude = np.median(corners, axis=0).tolist()
    return LocalTangentPlane(latitude, longitude, 0.0)


def grounded(frames: Sequence[StoredFrame], plane: LocalTangentPlane) -> list[GroundedFrame]:
    """Return the frames that have a place, on a plane."""
    placed = [frame for frame in frames if frame.footprint_deg]
    return [GroundedFrame(frame, _on(plane, frame.footprint_deg)) for frame in placed]


def _on(
    plane: LocalTangentPlane, footprint_deg: Sequence[tuple[float, float]]
) -> npt.NDArray[np.float64]:
    degrees = np.array(footprint_deg)
    level = np.zeros(len(degrees))
    return plane.to_enu(np.column_stack([degrees[:, 1], degrees[:, 0], level]))[:, :2]


def _area(outline_en: npt.NDArray[np.float64]) -> float:
    east, north = outline_en.T
    return float(np.sum(east * np.roll(north, -1) - np.roll(east, -1) * north)) / 2
