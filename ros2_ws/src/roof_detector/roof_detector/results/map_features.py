# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The features of a map, one for each detection: what every format for maps is made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from roof_detector.georeference.camera_track import CameraFixes, CameraTrack
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.ground_points import GroundPoints, ground_points
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.raster_georeference import RasterGeoreference
from roof_detector.inputs.input_files import readable
from roof_detector.results.text import iso_time

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from roof_detector.georeference.camera_fix import CameraFix
    from roof_detector.vision.frame_findings import FrameFindings

Position = tuple[float, float]
"""Longitude and latitude in degrees on WGS 84."""
Track = CameraFixes | RasterGeoreference
"""What gives the pixels of a frame their positions: a camera above the ground, or a map."""
LOCAL_CRS = 'local (m)'
"""What stands for the CRS of positions in the map of a pose, whose place on Earth is unknown."""
_PER_BOX = 5  # points: the centre, then the corners
_DECIMALS = 8  # of a degree: a millimetre
# Of the values whose source is named in the properties.
_SOURCES = ('position', 'attitude')
_OUTSIDE = 'The detection is outside the area that the CRS of the raster is made for.'
_MISSED = 'The ray through the detection meets the ground too far away, or not at all.'


@dataclass(frozen=True, eq=False, kw_only=True)
class MapFeature:
    """A detection on the map: the centre of its box, the box as a closed ring, and properties.

    The ring runs anticlockwise. `point` is None where the position is unknown, and the reason is
    in the property `unlocated`; `ring` is None also where the box has no whole footprint.
    """

    identity: str
    properties: dict[str, object]
    point: Position | None = None
    ring: tuple[Position, ...] | None = None

    @property
    def error_m(self) -> float | None:
        """Return within which distance the true position is with a probability of 95 %."""
        error = self.properties.get('error_m')
        return float(error) if isinstance(error, (int, float)) else None

    @property
    def size_m(self) -> tuple[float, float] | None:
        """Return the mean lengths of the sides along the rows and the columns of the image."""
        if self._ring_m is None:
            return None
        bottom, right, top, left = np.linalg.norm(np.diff(self._ring_m, axis=0), axis=1)
        return float(bottom + top) / 2, float(right + left) / 2

    @property
    def in_crs(self) -> tuple[str, float, float] | None:
        """Return the name of an own CRS with x and y in it: an orthophoto's, or a local map's."""
        crs, x, y = (self.properties.get(name) for name in ('crs', 'crs_x', 'crs_y'))
        if not (isinstance(crs, str) and isinstance(x, float) and isinstance(y, float)):
            return None
        return crs, x, y

    @property
    def area_m2(self) -> float | None:
        """Return the area of the footprint."""
        if self._ring_m is None:
            return None
        east, north = self._ring_m.T
        return float(abs(np.sum(east[:-1] * north[1:] - east[1:] * north[:-1]))) / 2

    @cached_property
    def _ring_m(self) -> npt.NDArray[np.float64] | None:
        """Return the ring (n, 2) in metres east and north of its first position."""
        if self.ring is None:
            return None
        longitude, latitude = self.ring[0]
        plane = LocalTangentPlane(latitude, longitude, 0.0)
        return plane.to_enu([(north, east, 0.0) for east, north in self.ring])[:, :2]


class MapFeatures:
    """Makes the features of frames, and counts the detections without a position."""

    def __init__(self, track: Track, *, pixel_px: float) -> None:
        self._track = track
        self._pixel_px = pixel_px
        self._detections = self._unlocated = 0

    def of(self, findings: FrameFindings) -> list[MapFeature]:
        """Return the feature of each detection of a frame, in their order."""
        if not len(findings.detections):
            return []
        features = self._features(findings)
        self._detections += len(features)
        self._unlocated += sum(feature.point is None for feature in features)
        return features

    def notes(self, path: Path, where: str) -> tuple[str, ...]:
        """Return how many detections of a product have no position, and where the reasons are."""
        if not self._unlocated:
            return ()
        return (
            f'{path} has no position for {self._unlocated} of {self._detections} detections; '
            f'{where}.',
        )

    def _features(self, findings: FrameFindings) -> list[MapFeature]:
        numbers = range(len(findings.detections))
        if isinstance(self._track, RasterGeoreference):
            return _on_raster(findings, self._track)
        try:
            fix = self._track.at(findings.stamp_ns, size_wh=findings.size_wh)
        except GeoError as error:
            return [_unlocated(findings, number, reason=str(error)) for number in numbers]
        # Boxes count from the corner of the first pixel, a lens from its centre.
        pixels = _pixels(findings) - 0.5
        points = ground_points(fix, pixels, pixel_px=self._pixel_px)
        make = (
            _local if isinstance(self._track, CameraTrack) and self._track.is_local else _located
        )
        return [
            _unlocated(findings, number, reason=points.reasons.get(_PER_BOX * number, _MISSED))
            if np.isnan(points.error_m[_PER_BOX * number])
            else make(findings, number, fix=fix, points=points)
            for number in numbers
        ]


def _pixels(findings: FrameFindings) -> npt.NDArray[np.float64]:
    """Return centre and corners of each box (5 n, 2): left-bottom-right-top runs anticlockwise."""
    left, top, right, bottom = findings.detections.boxes_xyxy.astype(np.float64).T
    centre = (left + right) / 2, (top + bottom) / 2
    pixels = np.stack([*centre, left, bottom, right, bottom, right, top, left, top]).T
    return pixels.reshape(-1, 2)


def _located(
    findings: FrameFindings, number: int, *, fix: CameraFix, points: GroundPoints
) -> MapFeature:
    first = _PER_BOX * number
    properties = {
        **_properties(findings, number),
        'error_m': round(float(points.error_m[first]), 2),
        'height_m': round(fix.height_m, 2),
        **{
            f'error_{cause}_m': round(float(radii[first]), 3)
            for cause, radii in points.errors_m.items()
        },
        **{f'{value}_from': fix.sources[value] for value in _SOURCES if value in fix.sources},
    }
    positions = [
        (
            round(float(points.longitude_deg[first + k]), _DECIMALS),
            round(float(points.latitude_deg[first + k]), _DECIMALS),
        )
        for k in range(_PER_BOX)
    ]
    return MapFeature(
        identity=_identity(findings, number),
        properties=properties,
        point=positions[0],
        ring=_ring(positions[1:]),
    )


def _local(
    findings: FrameFindings, number: int, *, fix: CameraFix, points: GroundPoints
) -> MapFeature:
    """Return the feature of a track that is not on Earth: in metres of its own map."""
    placed = _located(findings, number, fix=fix, points=points)
    first = _PER_BOX * number
    place = (points.latitude_deg[first], points.longitude_deg[first], 0.0)
    x, y, _ = LocalTangentPlane(0.0, 0.0, 0.0).to_enu(place).tolist()
    properties = {**placed.properties, 'crs': LOCAL_CRS, 'crs_x': round(x, 3)}
    properties |= {'crs_y': round(y, 3)}
    return MapFeature(identity=placed.identity, properties=properties, ring=placed.ring)


def _on_raster(findings: FrameFindings, place: RasterGeoreference) -> list[MapFeature]:
    """Return the features of an orthophoto, with their place and size in its own CRS too."""
    pixels = _pixels(findings)
    degrees = np.round(place.on_wgs84(pixels), _DECIMALS).reshape(-1, _PER_BOX, 2)
    own = place.in_crs(pixels).reshape(-1, _PER_BOX, 2)
    _, left_bottom, right_bottom, right_top, _ = pixels.reshape(-1, _PER_BOX, 2).swapaxes(0, 1)
    widths_m = place.distances_m(left_bottom, right_bottom)
    heights_m = place.distances_m(right_bottom, right_top)
    features = []
    for number in range(len(findings.detections)):
        if np.isnan(degrees[number, 0]).any():
            features.append(_unlocated(findings, number, reason=_OUTSIDE))
            continue
        positions = [(float(x), float(y)) for x, y in degrees[number]]
        x, y = own[number, 0].tolist()
        properties = {
            **_properties(findings, number),
            'error_m': None if place.error_m is None else round(place.error_m, 2),
            'error_of': 'the raster' if place.error_m is not None else 'the raster, not stated',
            'box_width_m': round(float(widths_m[number]), 3),
            'box_height_m': round(float(heights_m[number]), 3),
            'crs': place.crs_name,
            'crs_x': round(x, _DECIMALS if place.is_geographic else 3),
            'crs_y': round(y, _DECIMALS if place.is_geographic else 3),
        }
        ring = _ring(_anticlockwise(positions[1:]))
        features.append(
            MapFeature(
                identity=_identity(findings, number),
                properties=properties,
                point=positions[0],
                ring=ring,
            )
        )
    return features


def _anticlockwise(corners: list[Position]) -> list[Position]:
    """Return a ring in the order of RFC 7946; the transform of a raster may mirror it."""
    x, y = (np.array(corners) - corners[0]).T
    area = np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)
    return corners if area >= 0 else corners[::-1]


def _unlocated(findings: FrameFindings, number: int, *, reason: str) -> MapFeature:
    properties = {**_properties(findings, number), 'unlocated': reason}
    return MapFeature(identity=_identity(findings, number), properties=properties)


def _identity(findings: FrameFindings, number: int) -> str:
    return f'{readable(findings.name)}#{number}'


def _properties(findings: FrameFindings, number: int) -> dict[str, object]:
    detections = findings.detections
    return {
        'class': readable(findings.class_names[detections.class_ids[number]]),
        'confidence': round(float(detections.scores[number]), 6),
        'time': iso_time(findings.time_ns) or None,
        'stamp_ns': str(findings.stamp_ns),  # JavaScript would round the number
        'source': readable(findings.source),
        'topic': readable(findings.topic),
        'frame': findings.index,
        'name': readable(findings.name),
        'detection': number,
        'box_px': [round(v, 2) for v in detections.boxes_xyxy[number].tolist()],
        **({} if findings.content is None else {'sha256': findings.content.sha256}),
    }


def _ring(corners: list[Position]) -> tuple[Position, ...] | None:
    """Return the closed ring of four corners; None if one misses the ground.

    Rings across the antimeridian would have to be cut (RFC 7946, 3.1.9), so they are left out.
    """
    longitudes = [position[0] for position in corners]
    if np.isnan(corners).any() or max(longitudes) - min(longitudes) > 180:
        return None
    return (*corners, corners[0])
