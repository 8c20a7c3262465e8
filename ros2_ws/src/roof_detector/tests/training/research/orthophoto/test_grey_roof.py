# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.research.orthophoto.grey_roof import make_grey
from training.research.orthophoto.settlement import Settlement

SHEET_BGR, SOIL_BGR = (40, 60, 200), (70, 120, 90)
ROOF = np.array([(60.0, 50.0), (150.0, 50.0), (150.0, 110.0), (60.0, 110.0)])
SHADOW = np.array([6.0, 4.0])


@pytest.fixture
def photo_bgr():
    image = np.full((160, 220, 3), SOIL_BGR, np.uint8)
    cv2.fillPoly(image, [ROOF.astype(np.int32)], SHEET_BGR)
    image[80:84, 60:150] //= 2  # a ridge
    return image


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_a_red_roof_loses_its_colour_and_the_ground_keeps_its_own(seed):
    image = np.full((160, 220, 3), SOIL_BGR, np.uint8)
    cv2.fillPoly(image, [ROOF.astype(np.int32)], SHEET_BGR)
    make_grey(image, ROOF, np.random.default_rng(seed), SHADOW)
    roof = image[54:106, 64:146].astype(float).mean(axis=(0, 1))
    assert np.ptp(roof) < 0.45 * roof.max()
    assert (image[:46] == SOIL_BGR).all() and (image[:, 156:] == SOIL_BGR).all()


def test_the_photograph_stays_visible_in_it(photo_bgr):
    kept = 0
    for seed in range(20):
        image = photo_bgr.copy()
        make_grey(image, ROOF, np.random.default_rng(seed), SHADOW)
        ridge, beside = image[81:83, 70:140].mean(), image[[72, 92], 70:140].mean()
        kept += ridge < beside
    assert kept > 14


def test_no_two_are_the_same_and_the_same_seed_gives_the_same(photo_bgr):
    made = []
    for seed in (1, 1, 2):
        image = photo_bgr.copy()
        make_grey(image, ROOF, np.random.default_rng(seed), SHADOW)
        made.append(image)
    assert (made[0] == made[1]).all()
    assert (made[0] != made[2]).any()


@pytest.mark.parametrize('shift', [(-100, -80), (130, 90), (400, 400), (-400, 0)])
def test_a_roof_that_the_edge_of_the_image_cuts_stays_within_it(photo_bgr, shift):
    outline = ROOF + shift
    make_grey(photo_bgr, outline, np.random.default_rng(4), SHADOW)
    make_grey(photo_bgr, outline / 20, np.random.default_rng(4), SHADOW)
    assert photo_bgr.shape == (160, 220, 3)


def test_a_settlement_makes_the_share_grey_that_it_is_told(photo_bgr):
    colourful = []
    for share in (0.0, 1.0):
        rng = np.random.default_rng(6)
        town = Settlement(np.tile(photo_bgr, (3, 3, 1)), [ROOF]).rebuilt(
            rng, until_x=660, grey_share=share
        )
        roofs = [
            cv2.mean(town.image_bgr, _inner(one, town.image_bgr.shape[:2]))[:3]
            for one in town.outlines
        ]
        colourful.append(np.mean([np.ptp(roof) / max(roof) for roof in roofs if max(roof)]))
    assert colourful[1] < 0.5 * colourful[0]


def _inner(outline, shape):
    cover = np.zeros(shape, np.uint8)
    cv2.fillPoly(cover, [outline.astype(np.int32)], (255,))
    return cv2.erode(cover, np.ones((3, 3), np.uint8))
