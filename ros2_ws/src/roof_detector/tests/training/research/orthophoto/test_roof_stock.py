# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.research.orthophoto.roof_stock import RoofStock

SHEET_BGR, SOIL_BGR = (40, 40, 200), (90, 130, 90)
ROOF = np.array([(60.0, 50.0), (120.0, 50.0), (120.0, 80.0), (60.0, 80.0)])


@pytest.fixture(scope='module')
def photo_bgr():
    image = np.full((160, 200, 3), SOIL_BGR, np.uint8)
    cv2.fillPoly(image, [ROOF.astype(np.int32)], SHEET_BGR)
    return image


def test_roofs_that_an_edge_may_cut_and_specks_are_not_kept(photo_bgr):
    cut = ROOF - (60, 0)
    beyond = ROOF + np.array((60, 0))
    speck = ROOF / 4
    assert len(RoofStock([(photo_bgr, [ROOF, cut, speck])])) == 1
    assert len(RoofStock([(photo_bgr[:, :170], [beyond])])) == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 6.28))
def test_a_roof_stands_whole_where_its_outline_says_with_its_long_side_at_the_angle(
    photo_bgr, seed, angle
):
    rng = np.random.default_rng(seed)
    moved = RoofStock([(photo_bgr, [ROOF])]).draw(np.array([200.0, 200.0]), angle, rng)
    np.testing.assert_allclose(moved.outline.mean(0), (200, 200), atol=1e-6)
    sides = np.diff(moved.outline, axis=0)[:2]
    long_side = sides[np.argmax(np.linalg.norm(sides, axis=1))]
    across = long_side @ np.array([-np.sin(angle), np.cos(angle)])
    assert abs(across) < 0.01 * np.linalg.norm(long_side)

    image = np.full((400, 400, 3), (200, 0, 0), np.uint8)
    moved.lay(image, rng)
    cover = np.zeros((400, 400), np.uint8)
    cv2.fillPoly(cover, [np.round(moved.outline).astype(np.int32)], (1,))
    inside = cv2.erode(cover, np.ones((7, 7), np.uint8)) > 0
    outside = cv2.dilate(cover, np.ones((11, 11), np.uint8)) == 0
    assert (image[outside] == (200, 0, 0)).all()
    if inside.any():
        blue, _, red = image[inside].mean(0)
        assert red > 2 * blue


def test_what_reaches_over_the_image_is_left_out(photo_bgr):
    rng = np.random.default_rng(1)
    stock = RoofStock([(photo_bgr, [ROOF])])
    for middle in ((0.0, 0.0), (400.0, 399.0), (-500.0, 20.0)):
        image = np.zeros((400, 400, 3), np.uint8)
        stock.draw(np.array(middle), 0.3, rng).lay(image, rng)
        assert bool(image.any()) is (min(middle) >= 0)
