# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Roofs with new sheets: rust is labelled and within the outline, paint is not labelled."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from pyproj import Transformer

from training.dataset.error import DatasetError
from training.research.realset.photo import Photo
from training.research.realset.sheets import Sheets, covered

GROUND = (40, 160, 40)
RUST = 4
ROOF = np.array([[40.0, 30.0], [160.0, 30.0], [160.0, 110.0], [40.0, 110.0]])
NAMES = {'name': 'sheets', 'of': 'town', 'share': 1.0}


def town(boxes=()):
    """Return green ground with one grey roof at ROOF."""
    image = np.full((140, 200, 3), GROUND, np.uint8)
    cv2.fillPoly(image, [ROOF.astype(np.int32)], (150, 150, 150))
    return Photo(image, np.array(boxes, dtype=np.float64).reshape(-1, 4), RUST)


def covers(photo, outlines, tries=40):
    return [covered(photo, outlines, 0.07, np.random.default_rng(i)) for i in range(tries)]


def test_without_outlines_nothing_changes():
    photo = covered(town(), [], 0.07, np.random.default_rng(1))
    assert np.array_equal(photo.image_bgr, town().image_bgr)
    assert not len(photo.boxes_xyxy)


def test_rusted_roofs_are_labelled_and_painted_or_bare_ones_are_not():
    results = covers(town(), [ROOF])
    inner = (slice(40, 100), slice(50, 150))
    changed = [not np.array_equal(one.image_bgr, town().image_bgr) for one in results]
    labelled = [len(one.boxes_xyxy) == 1 for one in results]
    assert any(labelled)
    assert any(a and not b for a, b in zip(changed, labelled, strict=True))  # painted
    assert not all(changed)  # as it was
    assert all(a for a, b in zip(changed, labelled, strict=True) if b)
    reddest = np.median(
        [
            np.subtract(*one.image_bgr[inner].astype(int)[..., [2, 0]].transpose(2, 0, 1)).mean()
            for one, rusted in zip(results, labelled, strict=True)
            if rusted
        ]
    )
    assert reddest > 20  # rust is brown, the roof was grey


def test_the_ground_around_a_roof_stays_as_it_is_and_the_box_is_the_outline():
    far = np.ones((140, 200), np.bool_)
    far[26:115, 36:165] = False
    for one in covers(town(), [ROOF]):
        assert (one.image_bgr[far] == GROUND).all()
        for box in one.boxes_xyxy:
            assert box.tolist() == [40, 30, 160, 110]


def test_a_roof_that_is_rusted_already_or_too_small_to_see_is_left_alone():
    labelled = town([[35, 25, 165, 115]])
    small = np.array([[5.0, 5.0], [15.0, 5.0], [15.0, 15.0], [5.0, 15.0]])
    for one in covers(labelled, [ROOF, small], tries=10):
        assert np.array_equal(one.image_bgr, labelled.image_bgr)
        assert len(one.boxes_xyxy) == 1


def test_outlines_of_an_orthophoto_are_moved_into_its_windows(tmp_path):
    (tmp_path / 'bounds.json').write_text(
        json.dumps({'north': 0.01, 'west': 30.0, 'south': 0.0, 'east': 30.01})
    )
    west, south, east, north = Transformer.from_crs(
        'EPSG:4326', 'EPSG:3857', always_xy=True
    ).transform_bounds(30.0, 0.0, 30.01, 0.01)
    pixels = np.array([[300.0, 400.0], [350.0, 400.0], [350.0, 440.0]])
    metric = np.array([west, north]) + pixels / 1000 * np.array([east - west, south - north])
    ring = np.stack(
        Transformer.from_crs('EPSG:3857', 'EPSG:4326', always_xy=True).transform(*metric.T), axis=1
    ).tolist()
    polygon = {'type': 'Polygon', 'coordinates': [[*ring, ring[0]]]}
    (tmp_path / 'roofs.geojson').write_text(json.dumps({'features': [{'geometry': polygon}]}))
    sheets = Sheets(**NAMES, outlines='roofs.geojson', bounds='bounds.json', size_wh=(1000, 1000))
    ((outline,),) = sheets.polygons([tmp_path / 'town_250_380.jpg'], tmp_path)
    assert outline == pytest.approx(pixels - [250, 380], abs=0.01)
    with pytest.raises(DatasetError, match='corner in the orthophoto'):
        sheets.polygons([tmp_path / 'town.jpg'], tmp_path)


def test_outlines_beside_the_images_are_shares_of_their_sides(tmp_path):
    for kind in ('images', 'labels'):
        (tmp_path / kind).mkdir()
    cv2.imwrite(str(tmp_path / 'images/a.png'), town().image_bgr)
    (tmp_path / 'labels/a.txt').write_text('0 0.2 0.25 0.8 0.25 0.8 0.75\n\n')
    ((outline,),) = Sheets(**NAMES).polygons([tmp_path / 'images/a.png'], tmp_path)
    assert outline == pytest.approx(np.array([[40, 35], [160, 35], [160, 105]]))
