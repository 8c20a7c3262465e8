# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Masks of a segmentation model in results, in exports and in the areas of findings."""

from __future__ import annotations

import csv
import json

import cv2
import numpy as np
import pytest
import rasterio
from affine import Affine
from pycocotools import mask as judge

from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.inspection import InspectedResults, inspect_results
from roof_detector.offline.result_bag import ResultBag
from roof_detector.offline.rethresholding import Rethresholding
from roof_detector.offline.settings import DetectSettings, OutputSettings
from roof_detector.vision.thresholds import Thresholds

THRESHOLDS = Thresholds(confidence=0.5)


@pytest.fixture
def photo(flights, tmp_path):
    path = tmp_path / 'roof.png'
    cv2.imwrite(str(path), flights.image(1))
    return path


def the_frame(outcome):
    with ResultBag(outcome.output) as bag:
        (frame,) = bag.frames()
        return frame.findings


def inspect(outcome, output):
    results = [InspectedResults(outcome.output, 'roof')]
    found = inspect_results(results, output, georeferencing=GeoreferenceSettings())
    return [one.size for one in found.findings if one.size is not None]


def test_results_hold_the_masks_of_the_network(photo, flights, detect, mask_detector):
    (outcome,) = detect(photo, detector=mask_detector, formats=('json', 'csv'))
    found = the_frame(outcome).detections
    true = mask_detector.detect(flights.image(1), THRESHOLDS)
    assert len(found) == len(true) > 3
    for position in range(len(true)):
        np.testing.assert_array_equal(found.masks.full(position), true.masks.full(position))
    for position, row in enumerate(json.loads((outcome.output / 'detections.json').read_text())):
        counts = row['segmentation']['counts'].encode()
        inside = judge.decode({**row['segmentation'], 'counts': counts})
        np.testing.assert_array_equal(inside, true.masks.full(position))
    with (outcome.output / 'detections.csv').open(encoding='utf-8-sig') as file:
        areas = [int(row['mask_area_px']) for row in csv.DictReader(file)]
    assert areas == [true.masks.full(position).sum() for position in range(len(true))]


def test_an_image_without_detections_has_no_masks(photo, detect, mask_detector):
    (outcome,) = detect(photo, detector=mask_detector, confidence=0.999)
    assert len(the_frame(outcome).detections) == 0


def test_masks_of_tiles_are_joined_and_give_areas_on_the_ground(
    flights, detect, mask_detector, tmp_path
):
    path = tmp_path / 'ortho.tif'
    values = np.moveaxis(flights.image(1, size_wh=(160, 120)), -1, 0)
    place = Affine(0.05, 0, 454_000, 0, -0.05, 38_000)
    profile = {'driver': 'GTiff', 'width': 160, 'height': 120, 'count': 3, 'dtype': 'uint8'}
    with rasterio.open(path, 'w', crs='EPSG:32636', transform=place, **profile) as dataset:
        dataset.write(values)
    (outcome,) = detect(path, detector=mask_detector, confidence=0.6)
    found = the_frame(outcome).detections
    areas_px = np.array([inside.sum() for _, inside in found.masks.windows()])
    assert len(found) > 5 and areas_px.any()
    sizes = inspect(outcome, tmp_path / 'inspection')
    assert sizes and all(size.is_from_mask for size in sizes)
    # Pixels of 5 cm; UTM stretches what lies off its meridian by less than a thousandth.
    for size in sizes:
        assert np.isclose(size.area_m2, areas_px * 0.05**2, rtol=2e-3, atol=1e-9).any()


def test_boxes_alone_give_areas_that_say_so(photo, flights, detect, tmp_path):
    path = tmp_path / 'ortho.tif'
    values = np.moveaxis(flights.image(1, size_wh=(80, 60)), -1, 0)
    place = Affine(0.05, 0, 454_000, 0, -0.05, 38_000)
    profile = {'driver': 'GTiff', 'width': 80, 'height': 60, 'count': 3, 'dtype': 'uint8'}
    with rasterio.open(path, 'w', crs='EPSG:32636', transform=place, **profile) as dataset:
        dataset.write(values)
    (outcome,) = detect(path, confidence=0.6)
    assert the_frame(outcome).detections.masks is None
    sizes = inspect(outcome, tmp_path / 'inspection')
    assert sizes and not any(size.is_from_mask for size in sizes)
    for size in sizes:
        box = size.length_m * size.width_m
        assert size.area_m2 - 2 * size.area_error_m2 < 0.05 * box  # a crack from corner to corner
        assert size.area_m2 + 2 * size.area_error_m2 > box  # a skylight that fills its box


def test_other_thresholds_leave_boxes_and_say_so(photo, detect, mask_detector, tmp_path):
    (outcome,) = detect(photo, detector=mask_detector, keep_candidates=0.3)
    settings = DetectSettings(Thresholds(confidence=0.6), OutputSettings(formats=()))
    other = Rethresholding(outcome.output, tmp_path / 'other', settings=settings).run()
    assert the_frame(other).detections.masks is None
    assert any('boxes only' in note for note in other.notes)
