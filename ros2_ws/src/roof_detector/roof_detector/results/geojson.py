# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Exports detections as georeferenced positions on a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roof_detector.results.errors import export_errors
from roof_detector.results.exporter import Export
from roof_detector.results.json_lines import JsonArrayFile
from roof_detector.results.map_features import MapFeatures

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from roof_detector.results.map_features import MapFeature, Position, Track
    from roof_detector.vision.frame_findings import FrameFindings

_HEAD = '{"type":"FeatureCollection","features":['
_TAIL = ']}'


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
        track: Track,
        pixel_px: float = 2.0,
        overwrite: bool = False,
    ) -> None:
        super().__init__(path, footprints_path, overwrite=overwrite)
        self._features = MapFeatures(track, pixel_px=pixel_px)
        with export_errors(path):
            self._points = JsonArrayFile(self._products[0].part, head=_HEAD, tail=_TAIL)
        with export_errors(footprints_path):
            self._footprints = JsonArrayFile(self._products[1].part, head=_HEAD, tail=_TAIL)

    @property
    def notes(self) -> tuple[str, ...]:
        """Return how many detections have no position."""
        return self._features.notes(
            self._products[0].path, 'the reason is in the property "unlocated" of each'
        )

    def _add(
        self, findings: FrameFindings, image_bgr: npt.NDArray[np.uint8] | None, encoded: bytes
    ) -> None:
        for feature in self._features.of(findings):
            self._points.add(_feature(feature, _point(feature.point)))
            self._footprints.add(_feature(feature, _polygon(feature.ring)))

    def _complete(self) -> None:
        self._points.complete()
        self._footprints.complete()

    def _release(self) -> None:
        self._points.release()
        self._footprints.release()


def _feature(feature: MapFeature, geometry: object) -> dict[str, object]:
    return {
        'type': 'Feature',
        'id': feature.identity,
        'geometry': geometry,
        'properties': feature.properties,
    }


def _point(point: Position | None) -> dict[str, object] | None:
    return None if point is None else {'type': 'Point', 'coordinates': list(point)}


def _polygon(ring: tuple[Position, ...] | None) -> dict[str, object] | None:
    if ring is None:
        return None
    return {'type': 'Polygon', 'coordinates': [[list(position) for position in ring]]}
