# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The area of an inspection from the roofs that a model finds."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
import shapely
from rasterio.transform import from_bounds

from roof_detector.cli.main import main
from roof_detector.findings.inspection_area import InspectionArea
from roof_detector.offline.errors import ReplayError
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.inspection import InspectedResults, inspect_results
from roof_detector.offline.roof_area import AREA_NAME, roof_area, search_roofs

DATA = Path(os.environ.get('ROOF_DETECTOR_DATA', Path(__file__).parents[5] / '../shared/data'))
UNPLACED = GeoreferenceSettings()


def write_raster(path, image_bgr, bounds_deg):
    height, width = image_bgr.shape[:2]
    profile = {'driver': 'GTiff', 'width': width, 'height': height, 'count': 3, 'dtype': 'uint8'}
    place = from_bounds(*bounds_deg, width, height)
    with rasterio.open(path, 'w', crs='EPSG:4326', transform=place, **profile) as dataset:
        dataset.write(np.moveaxis(image_bgr[..., ::-1], -1, 0))
    return path


@pytest.fixture
def ortho(flights, tmp_path):
    """Return an orthophoto of noise, 10 by 7.5 m."""
    image = flights.image(1, size_wh=(160, 120))
    return write_raster(tmp_path / 'ortho.tif', image, (8.0, 47.0, 8.00013, 47.0000675))


def test_without_results_there_are_no_roofs(tmp_path):
    assert roof_area([], tmp_path) is None


def test_boxes_become_polygons_that_hold_them_and_a_margin(ortho, detect, tmp_path, detector):
    (outcome,) = detect(ortho, confidence=0.6, formats=('geojson',))
    results = [InspectedResults(outcome.output, 'ortho', ortho)]
    found = search_roofs(results, tmp_path, detector=detector)
    assert 'joined from' in found.notes[0] and found.boxes > 5
    assert InspectionArea.read(tmp_path / AREA_NAME).polygons.equals(found.area.polygons)
    # Many boxes of one image overlap: they are one roof, and larger by half a metre.
    west, south, east, north = found.area.polygons.bounds
    assert west < 8.0 + 0.0001 and east > west and north > south
    inspected = inspect_results(
        results, tmp_path / 'inspection', georeferencing=UNPLACED, area=found.area
    )
    assert inspected.findings and not any(one.is_outside for one in inspected.findings)


def test_where_no_roof_is_found_all_findings_are_kept_apart(ortho, detect, tmp_path, detector):
    (outcome,) = detect(ortho, confidence=0.6)
    bare = np.full((120, 160, 3), 90, np.uint8)  # a tile of one value is not searched
    land = write_raster(tmp_path / 'land.tif', bare, (8.0, 47.0, 8.00013, 47.0000675))
    results = [InspectedResults(outcome.output, 'ortho', land)]
    found = search_roofs(results, tmp_path, detector=detector)
    assert found.area.polygons.is_empty and found.boxes == 0
    assert 'No roof was found on land.tif' in found.notes[-1]
    assert json.loads((tmp_path / AREA_NAME).read_text())['features'] == []
    inspected = inspect_results(
        results, tmp_path / 'inspection', georeferencing=UNPLACED, area=found.area
    )
    assert inspected.findings and all(one.is_outside for one in inspected.findings)
    assert inspected.counts() == {}


def test_without_an_image_of_the_ground_it_is_said(detect, flights, tmp_path, detector):
    path = tmp_path / 'DJI_0001.MP4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 2.0, flights.SIZE_WH)
    for _ in range(3):
        writer.write(flights.image(1))
    writer.release()
    (outcome,) = detect(path, confidence=0.6)
    results = [InspectedResults(outcome.output, 'DJI_0001', path)]
    inspect_results(results, tmp_path / 'inspection', georeferencing=UNPLACED)
    with pytest.raises(ReplayError, match='no image of the ground'):
        search_roofs(results, tmp_path / 'inspection', detector=detector)


@pytest.mark.skipif(not (DATA / 'kampala').is_dir(), reason='shared data is not there')
def test_the_command_takes_the_roofs_of_a_real_orthophoto(tmp_path, capsys):
    place = json.loads((DATA / 'kampala/georeference.json').read_text())
    image = cv2.imread(str(DATA / 'kampala/orthophoto.png'))
    rows, columns = image.shape[:2]
    # Of the east third, which the model was not trained on.
    left, top, side = columns - 640, rows - 640, 640
    step_x = (place['east'] - place['west']) / columns
    step_y = (place['north'] - place['south']) / rows
    west, north = place['west'] + left * step_x, place['north'] - top * step_y
    bounds = (west, north - side * step_y, west + side * step_x, north)
    path = write_raster(tmp_path / 'east.tif', image[top:, left:], bounds)
    output = tmp_path / 'inspection'
    words = ['inspect', str(path), '--output', str(output), '--model', 'roofs', '--area', 'roofs']
    with pytest.raises(SystemExit) as end:
        main([*words, '--progress', 'none'])
    assert end.value.code == 0
    assert 'The area is' in capsys.readouterr().out
    found = InspectionArea.read(output / AREA_NAME).polygons
    truth = json.loads((DATA / 'kampala/roofs.geojson').read_text())['features']
    roofs = shapely.union_all(
        [shapely.make_valid(shapely.from_geojson(json.dumps(one['geometry']))) for one in truth]
    ).intersection(shapely.box(*bounds))
    share = found.intersection(roofs).area
    assert share > 0.6 * roofs.area
    assert share > 0.4 * found.area  # boxes lie along the image, roofs do not
