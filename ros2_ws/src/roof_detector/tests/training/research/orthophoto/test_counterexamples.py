# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest

from training.research.orthophoto.counterexamples import FreeGround

SOIL_BGR = (90, 130, 170)


@pytest.fixture
def image_bgr():
    return np.full((120, 160, 3), SOIL_BGR, np.uint8)


@pytest.fixture
def ground(image_bgr):
    built = np.zeros((120, 160), np.uint8)
    built[:, :80] = 1
    return FreeGround(image_bgr, built, np.random.default_rng(3))


def changed(image_bgr):
    return (image_bgr != SOIL_BGR).any(axis=-1)


@pytest.mark.parametrize('centre', [(80.0, 60.0), (158.0, 2.0)])
def test_bushes_and_spots_stay_round_dark_and_off_the_roofs(ground, image_bgr, centre):
    centre = np.array(centre)
    ground.plant_bush(centre, 20.0, np.array([8.0, 0.0]), 0.5)
    ground.blot(centre, 10.0, 0.5, softness=0.5)
    touched = changed(image_bgr)
    assert not touched[:, :80].any()
    rows, columns = np.nonzero(touched)
    assert len(rows) > 100
    assert np.hypot(columns - centre[0], rows - centre[1]).max() < 60
    assert image_bgr[touched].mean() < np.mean(SOIL_BGR)


def test_a_yard_has_the_shape_given_to_it_and_ends_at_the_roofs(ground, image_bgr):
    ground.lay_yard(np.array([(60.0, 40.0), (130.0, 40.0), (130.0, 90.0), (60.0, 90.0)]))
    touched = changed(image_bgr)
    assert not touched[:, :80].any()
    assert touched[50:80, 85:120].mean() > 0.9
    assert not touched[:10].any() and not touched[:, 156:].any()


def test_what_lies_beyond_the_image_changes_nothing(ground, image_bgr):
    beyond = np.array([400.0, 400.0])
    ground.plant_bush(beyond, 20.0, np.array([8.0, 0.0]), 0.5)
    ground.lay_yard(beyond + np.array([(0.0, 0.0), (30.0, 0.0), (0.0, 30.0)]))
    assert not changed(image_bgr).any()
