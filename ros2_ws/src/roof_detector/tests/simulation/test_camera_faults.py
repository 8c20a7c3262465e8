# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from roof_detector.simulation import FlightConfig, RoofWorld, SurveyFlight
from roof_detector.simulation.camera.bend import Bend
from roof_detector.simulation.camera.painter import Painter
from roof_detector.simulation.camera.truth import Truth

PLAIN = FlightConfig(
    size_wh=(320, 192),
    noise=0.0,
    jpeg_quality=None,
    defocus_px=0.0,
    motion_blur_s=0.0,
    vignetting=0.0,
    white_balance=0.0,
    exposure_swing=0.0,
)


def test_a_straight_camera_bends_nothing() -> None:
    assert Bend.of(PLAIN) is None


@pytest.mark.parametrize(
    'change',
    [{'distortion': -0.3}, {'distortion': 0.3}, {'rolling_shutter_px': 30.0}],
    ids=['barrel', 'pincushion', 'rolling shutter'],
)
def test_a_bend_moves_the_labels_with_the_image(change: dict[str, float]) -> None:
    bend = Bend.of(replace(PLAIN, **change))
    assert bend is not None
    mask = np.zeros((192, 320), np.uint16)
    mask[30:60, 40:90] = 1
    mask[120:170, 200:260] = 2
    truth = Truth(
        boxes_xyxy=np.array([[40, 30, 90, 60], [200, 120, 260, 170]], np.float32),
        class_ids=np.array([0, 3], np.int32),
        instance_ids=np.array([11, 12], np.int32),
        mask=mask,
        positions_enu=np.zeros((2, 3)),
    )
    bent = bend.truth(truth)
    image = bend.image(np.repeat((mask > 0)[..., None] * np.uint8(255), 3, axis=2))
    agree = (image[..., 0] > 127) == (bent.mask > 0)
    assert agree.mean() > 0.998
    assert (bent.mask != mask).any()
    for i, box in enumerate(bent.boxes_xyxy):
        rows, columns = np.nonzero(bent.mask == i + 1)
        extent = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_array_equal(box, extent)


def test_what_is_bent_out_of_view_loses_its_label() -> None:
    bend = Bend.of(replace(PLAIN, rolling_shutter_px=40.0))
    assert bend is not None
    mask = np.zeros((192, 320), np.uint16)
    mask[188:192, 0:3] = 1
    mask[90:100, 90:100] = 2
    truth = Truth(
        boxes_xyxy=np.zeros((2, 4), np.float32),
        class_ids=np.array([2, 4], np.int32),
        instance_ids=np.array([5, 6], np.int32),
        mask=mask,
        positions_enu=np.zeros((2, 3)),
    )
    bent = bend.truth(truth)
    assert bent.class_ids.tolist() == [4]
    assert set(np.unique(bent.mask)) == {0, 1}


def test_haze_lifts_the_dark_and_keeps_the_labels(world: RoofWorld) -> None:
    clear = SurveyFlight(world, PLAIN, seed=5)[7]
    hazy = SurveyFlight(world, replace(PLAIN, haze=0.5), seed=5)[7]
    assert np.percentile(hazy.image_bgr, 2) > np.percentile(clear.image_bgr, 2) + 20
    np.testing.assert_array_equal(hazy.mask, clear.mask)


def test_chromatic_aberration_parts_red_and_blue_but_not_green(world: RoofWorld) -> None:
    clear = SurveyFlight(world, PLAIN, seed=5)[7].image_bgr.astype(int)
    fringed = SurveyFlight(world, replace(PLAIN, chromatic_px=3.0), seed=5)[7].image_bgr
    apart = np.abs(fringed - clear).mean(axis=(0, 1))
    # The meter sees all channels, so that green may shift by a level.
    assert apart[1] < 1.5
    assert apart[0] > 3 and apart[2] > 3


def test_white_balance_differs_between_flights(world: RoofWorld) -> None:
    config = replace(PLAIN, white_balance=0.2)
    first, second = (SurveyFlight(world, config, seed=s).render for s in (1, 2))
    pose = SurveyFlight(world, PLAIN, seed=5).path.pose(0.7)
    tints = [r(pose, index=0, stamp_s=0.7).image_bgr.mean(axis=(0, 1)) for r in (first, second)]
    assert np.abs(tints[0] / tints[0].sum() - tints[1] / tints[1].sum()).max() > 0.01


def test_land_hidden_by_a_roof_is_left_out_without_a_trace(
    world: RoofWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    flight = SurveyFlight(world, replace(PLAIN, altitude_m=5.0, drift_m=0.0), seed=5)
    pose = flight.path.pose(flight.path.duration_s / 2)
    pose = replace(pose, position_enu=pose.position_enu * (0, 0, 1) - (0, 0, 2.5))
    pose.position_enu[:2] = world.buildings[0].footprint.centre_xy
    hides = Painter(flight.camera, pose).covers_image(world.buildings[0].roofs[0])
    assert hides
    quick = flight.render(pose, index=0, stamp_s=0.0)
    monkeypatch.setattr(Painter, 'covers_image', lambda *_: False)
    full = flight.render(pose, index=0, stamp_s=0.0)
    np.testing.assert_array_equal(quick.image_bgr, full.image_bgr)
    np.testing.assert_array_equal(quick.mask, full.mask)
