# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The area of an inspection from roofs that a model outlines on an orthophoto or a mosaic."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from roof_detector.findings.errors import FindingsError
from roof_detector.findings.inspection_area import InspectionArea
from roof_detector.inputs.raster_kinds import is_raster
from roof_detector.offline.batch import detect_all
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.inspection_frames import InspectionFrames
from roof_detector.offline.result_bag import ResultBag
from roof_detector.offline.roof_mosaic import make_mosaic
from roof_detector.offline.settings import DetectSettings, OutputSettings
from roof_detector.results.errors import export_errors
from roof_detector.vision.thresholds import Thresholds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
    from roof_detector.inference.detector import Detector
    from roof_detector.offline.inspection import InspectedResults
    from roof_detector.offline.progress import ProgressKind

AREA_NAME = 'roofs.geojson'
_MARGIN_M = 0.5  # around each box: what stands at a parapet belongs to the roof
_LEAST_AREA_M2 = 8.0
# Of 74 boxes over Kampala, one of the six between the default confidence and this is a roof.
_CONFIDENCE = 0.35
_SIMPLER_M = 0.1


@dataclass(frozen=True)
class RoofArea:
    """The polygons of roofs, how many boxes they are made of, and notes."""

    area: InspectionArea
    boxes: int
    notes: tuple[str, ...]


def search_roofs(
    results: Sequence[InspectedResults],
    folder: Path,
    *,
    detector: Detector,
    progress: ProgressKind = 'bar',
) -> RoofArea:
    """Find the roofs of the inspection in a folder, on its orthophotos and on its mosaic.

    `detector` is a model of roofs. Its results lie in `roofs` of the folder. Where no roof is
    found the area is empty, so no finding is on one. Raises ReplayError where there is nothing to
    search.
    """
    rasters = [one.images for one in results if one.images is not None and is_raster(one.images)]
    notes: list[str] = []
    if len(rasters) < len(results):
        try:
            mosaic = make_mosaic(folder, overwrite=True)
        except FindingsError as error:
            notes.append(str(error))
        else:
            notes += mosaic.notes
            rasters.append(mosaic.cog)
    if not rasters:
        msg = f'There is no image of the ground on which roofs can be found: {" ".join(notes)}'
        raise ReplayError(msg)
    outcomes = detect_all(
        [str(path) for path in rasters],
        folder / 'roofs',
        detector=detector,
        settings=DetectSettings(Thresholds(confidence=_CONFIDENCE), OutputSettings(formats=())),
        overwrite=True,
        progress=progress,
    )
    found = []
    for outcome in outcomes:
        if outcome.failure or outcome.output is None:
            notes.append(f'{outcome.source}: {outcome.failure}')
        else:
            found.append(outcome.output)
    area = roof_area(found, folder)
    if area is None:
        area = RoofArea(InspectionArea(shapely.Polygon()), 0, ())
        _write(area.area, folder / AREA_NAME)
        names = ', '.join(path.name for path in rasters)
        notes.append(
            f'No roof was found on {names}, so all findings are kept apart, as not on a roof. '
            'Draw the outline as GeoJSON or KML and give its name with --area if there is one.'
        )
    return RoofArea(area.area, area.boxes, (*area.notes, *notes))


def roof_area(results: Sequence[Path], folder: Path) -> RoofArea | None:
    """Join the roofs that were detected on rasters; return None where there are none.

    `results` are result folders of a model of roofs. The polygons are written to
    `roofs.geojson` in `folder`. Boxes that overlap become one polygon, half a metre larger on each
    side, and what is smaller than 8 m2 is left out. Raises ReplayError, BagError or ExportError.
    """
    polygons: list[BaseGeometry] = []
    boxes = left_out = 0
    for path in results:
        with ResultBag(path) as bag:
            frames = InspectionFrames(bag, flight=path.name, georeferencing=GeoreferenceSettings())
            found: list[BaseGeometry] = []
            for sightings in frames:
                ground = sightings.ground
                if ground is None:
                    left_out += len(sightings)
                    continue
                half = ground.half_extent_en + _MARGIN_M
                low, high = ground.positions_en - half, ground.positions_en + half
                found += [
                    shapely.box(*pair)
                    for pair in np.hstack([low, high]).tolist()
                    if np.isfinite(pair).all()
                ]
            boxes += len(found)
            origin = frames.origin
            if origin is not None and found:
                polygons += _joined(found, origin)
    if not polygons:
        return None
    area = InspectionArea(shapely.union_all(polygons))
    _write(area, folder / AREA_NAME)
    count = len(getattr(area.polygons, 'geoms', [area.polygons]))
    notes = [f'The area is {count} roofs, joined from {boxes} boxes of the model.']
    if left_out:
        notes.append(f'{left_out} roofs have no place and are not in the area.')
    return RoofArea(area, boxes, tuple(notes))


def _joined(boxes: list[BaseGeometry], origin: LocalTangentPlane) -> list[BaseGeometry]:
    """Return polygons in longitude and latitude of boxes in metres east and north."""
    whole = shapely.union_all(boxes).simplify(_SIMPLER_M)
    kept = [one for one in getattr(whole, 'geoms', [whole]) if one.area >= _LEAST_AREA_M2]

    def degrees(points_en: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> object:
        enu = np.column_stack([points_en, np.zeros(len(points_en))])
        return origin.to_geodetic(enu)[:, [1, 0]]

    return [shapely.transform(one, degrees) for one in kept]


def _write(area: InspectionArea, path: Path) -> None:
    features = [
        {
            'type': 'Feature',
            'id': number,
            'geometry': json.loads(shapely.to_geojson(one)),
            'properties': {'class': 'roof'},
        }
        for number, one in enumerate(getattr(area.polygons, 'geoms', [area.polygons]), start=1)
        if not one.is_empty
    ]
    content = {'type': 'FeatureCollection', 'features': features}
    with export_errors(path):
        path.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')
