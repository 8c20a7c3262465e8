# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports detections as georeferenced positions on a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.ground_points import GroundPoints, ground_points
from roof_detector.inputs.input_files import readable
from roof_detector.results.errors import export_errors
from roof_detector.results.exporter import Export
from roof_detector.results.json_lines import JsonArrayFile
from roof_detector.results.text import iso_time

if TYPE_CHECKING:
    from pathlib import Path

    from roof_detector.georeference.camera_fix import CameraFix
    from roof_detector.georeference.camera_track import CameraFixes
    from roof_detector.vision.frame_findings import FrameFindings

_HEAD = '{"type":"FeatureCollection","features":['
_TAIL = ']}'
_PER_BOX = 5  # points: the centre, then the corners
_DECIMALS = 8  # of a degree: a millimetre
_MISSED = 'The ray through the detection meets the ground too far away, or not at all.'


class GeoJsonExport(Export):
    """Writes RFC 7946: the box centres as points, and the boxes as polygons in a second file.

    There are two files because most programs need one kind of geometry per layer; `id` is the same
    in both. A detection of unknown position has the geometry null, and the reason is in its
    property `unlocated`.
    """

    def __init__(
        self,
        path: Path,
        footprints_path: Path,
        *,
        track: CameraFixes,
        pixel_px: float = 2.0,
        overwrite: bool = False,
    ) -> None:
        super().__init__(path, footprints_path, overwrite=overwrite)
        self._track = track
        self._pixel_px = pixel_px
        self._detections = self._unlocated = 0
        with export_errors(path):
            self._points = JsonArrayFile(self._products[0].part, head=_HEAD, tail=_TAIL)
        with export_errors(footprints_path):
            self._footprints = JsonArrayFile(self._products[1].part, head=_HEAD, tail=_TAIL)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how many detections have no position."""
        if not self._unlocated:
            return ()
        return (
            f'{self._products[0].path} has no position for {self._unlocated} of '
            f'{self._detections} detections; the reason is in the property "unlocated" of each.',
        )

    def _add(
        self, findings: FrameFindings, image_bgr: npt.NDArray[np.uint8] | None, encoded: bytes
    ) -> None:
        count = len(findings.detections)
        if not count:
            return
        self._detections += count
        try:
            fix = self._track.at(findings.stamp_ns, size_wh=findings.size_wh)
        except GeoError as error:
            for index in range(count):
                self._write_unlocated(findings, index, reason=str(error))
            return
        left, top, right, bottom = findings.detections.boxes_xyxy.astype(np.float64).T
        centre = (left + right) / 2, (top + bottom) / 2
        pixels = np.stack([*centre, left, bottom, right, bottom, right, top, left, top]).T
        # Boxes count from the corner of the first pixel, a lens from its centre.
        points = ground_points(fix, pixels.reshape(-1, 2) - 0.5, pixel_px=self._pixel_px)
        for index in range(count):
            if np.isnan(points.error_m[_PER_BOX * index]):
                self._write_unlocated(findings, index, reason=_MISSED)
            else:
                self._write_located(findings, index, fix=fix, points=points)

    def _write_located(
        self,
        findings: FrameFindings,
        index: int,
        *,
        fix: CameraFix,
        points: GroundPoints,
    ) -> None:
        first = _PER_BOX * index
        properties = {
            **_properties(findings, index),
            'error_m': round(float(points.error_m[first]), 2),
            'height_m': round(fix.height_m, 2),
        }
        identity = f'{readable(findings.name)}#{index}'
        point = {'type': 'Point', 'coordinates': _position(points, first)}
        self._points.add(_feature(identity, point, properties))
        self._footprints.add(_feature(identity, _polygon(points, first + 1), properties))

    def _write_unlocated(self, findings: FrameFindings, index: int, *, reason: str) -> None:
        self._unlocated += 1
        properties = {**_properties(findings, index), 'unlocated': reason}
        identity = f'{readable(findings.name)}#{index}'
        self._points.add(_feature(identity, None, properties))
        self._footprints.add(_feature(identity, None, properties))

    def _complete(self) -> None:
        self._points.complete()
        self._footprints.complete()

    def _release(self) -> None:
        self._points.release()
        self._footprints.release()


def _feature(identity: str, geometry: object, properties: dict[str, object]) -> dict[str, object]:
    return {'type': 'Feature', 'id': identity, 'geometry': geometry, 'properties': properties}


def _properties(findings: FrameFindings, index: int) -> dict[str, object]:
    detections = findings.detections
    return {
        'class': readable(findings.class_names[detections.class_ids[index]]),
        'confidence': round(float(detections.scores[index]), 6),
        'time': iso_time(findings.stamp_ns) or None,
        'stamp_ns': str(findings.stamp_ns),  # JavaScript would round the number
        'source': readable(findings.source),
        'topic': readable(findings.topic),
        'frame': findings.index,
        'name': readable(findings.name),
        'detection': index,
        'box_px': [round(v, 2) for v in detections.boxes_xyxy[index].tolist()],
        **({} if findings.content is None else {'sha256': findings.content.sha256}),
    }


def _position(points: GroundPoints, index: int) -> list[float]:
    return [
        round(float(points.longitude_deg[index]), _DECIMALS),
        round(float(points.latitude_deg[index]), _DECIMALS),
    ]


def _polygon(corners: GroundPoints, first: int) -> dict[str, object] | None:
    """Return the ring of four corners, anticlockwise; None if one misses the ground.

    Seen from above, left-bottom-right-top in the image runs anticlockwise. Rings across the
    antimeridian would have to be cut (RFC 7946, 3.1.9), so they are left out.
    """
    ring = [_position(corners, first + k) for k in range(4)]
    longitudes = [position[0] for position in ring]
    if np.isnan(ring).any() or max(longitudes) - min(longitudes) > 180:
        return None
    return {'type': 'Polygon', 'coordinates': [[*ring, ring[0]]]}
