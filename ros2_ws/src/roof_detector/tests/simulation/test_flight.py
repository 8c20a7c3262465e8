# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from roof_detector.georeference.pose import CameraPose
from roof_detector.simulation import (
    FlightConfig,
    FlightFrame,
    RoofWorld,
    SimulationError,
    SurveyFlight,
)

DIGEST_SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
import test_flight
from conftest import CAMERA, SMALL
from roof_detector.simulation import RoofWorld, SurveyFlight
flight = SurveyFlight(RoofWorld.generate(seed=3, config=SMALL), CAMERA, seed=5)
print(test_flight.digest(flight[7]))
"""


def digest(frame: FlightFrame) -> str:
    parts = (
        frame.image_bgr,
        frame.mask,
        frame.boxes_xyxy,
        frame.class_ids,
        frame.positions_enu,
        *frame.pose_enu,
    )
    return hashlib.sha256(
        b''.join(np.ascontiguousarray(part).tobytes() for part in parts)
    ).hexdigest()


@pytest.fixture(scope='module')
def frames(flight: SurveyFlight) -> list[FlightFrame]:
    return [flight[i] for i in range(0, len(flight), max(len(flight) // 12, 1))]


def test_a_frame_over_empty_land_has_no_labels(flight: SurveyFlight) -> None:
    pose = CameraPose.looking_down([150, 150, 30], yaw_deg=0, pitch_deg=0, roll_deg=0)
    frame = flight.render(pose, index=0, stamp_s=0.0)
    assert frame.boxes_xyxy.shape == (0, 4)
    assert frame.positions_enu.shape == (0, 3)
    assert not frame.mask.any()
    assert frame.image_bgr.mean() > 5


def test_frames_have_the_declared_types_and_shapes(frames: list[FlightFrame]) -> None:
    for frame in frames:
        n = len(frame.class_ids)
        assert frame.image_bgr.shape == (192, 320, 3) and frame.image_bgr.dtype == np.uint8
        assert frame.boxes_xyxy.shape == (n, 4) and frame.boxes_xyxy.dtype == np.float32
        assert frame.class_ids.dtype == np.int32 and frame.instance_ids.dtype == np.int32
        assert frame.mask.shape == (192, 320) and frame.mask.dtype == np.uint16
        assert frame.positions_enu.shape == (n, 3) and frame.positions_enu.dtype == np.float64


def test_each_box_is_the_extent_of_its_mask_and_no_mask_is_without_a_box(
    frames: list[FlightFrame],
) -> None:
    assert sum(len(frame.class_ids) for frame in frames) > 10
    for frame in frames:
        assert frame.mask.max(initial=0) <= len(frame.boxes_xyxy)
        for i, box in enumerate(frame.boxes_xyxy):
            rows, columns = np.nonzero(frame.mask == i + 1)
            extent = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            np.testing.assert_array_equal(box, extent)


def test_boxes_lie_inside_the_image(frames: list[FlightFrame]) -> None:
    for frame in frames:
        assert (frame.boxes_xyxy >= 0).all()
        assert (frame.boxes_xyxy[:, 2:] <= (320, 192)).all()
        assert (frame.boxes_xyxy[:, 2:] > frame.boxes_xyxy[:, :2]).all()


def test_places_on_the_ground_project_into_their_boxes(frames: list[FlightFrame]) -> None:
    tested = 0
    for frame in frames:
        position, quaternion = frame.pose_enu
        optical = (frame.positions_enu - position) @ Rotation.from_quat(quaternion).as_matrix()
        pixels = frame.camera.project(optical)
        for (x, y), (x0, y0, x1, y1) in zip(pixels, frame.boxes_xyxy, strict=True):
            if not (2 < x < 317 and 2 < y < 189) or x0 < 1 or y0 < 1 or x1 > 319 or y1 > 191:
                continue
            # The foot of a tall object may lie just outside where its walls hide it.
            slack = 3 + 0.25 * max(x1 - x0, y1 - y0)
            assert x0 - slack <= x <= x1 + slack
            assert y0 - slack <= y <= y1 + slack
            tested += 1
    assert tested > 5


def test_an_indexed_frame_is_the_iterated_frame(world: RoofWorld, flight: SurveyFlight) -> None:
    other = SurveyFlight(world, flight.config, seed=flight.seed)
    for frame, _ in zip(other, range(4), strict=False):
        assert digest(frame) == digest(flight[frame.index])
    assert digest(flight[-1]) == digest(flight[len(flight) - 1])


def test_another_process_renders_the_same_frame(flight: SurveyFlight) -> None:
    here = Path(__file__).parent
    out = subprocess.run(
        [sys.executable, '-c', DIGEST_SCRIPT, str(here)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path), 'PYTHONHASHSEED': '77'},
    )
    assert out.stdout.strip() == digest(flight[7])


def test_a_flight_seed_changes_the_image_but_not_the_world(world: RoofWorld) -> None:
    config = FlightConfig(size_wh=(160, 96))
    first, second = (SurveyFlight(world, config, seed=s)[3] for s in (1, 2))
    assert (first.image_bgr != second.image_bgr).any()


def test_stamps_follow_the_rate_and_places_move_with_the_speed(flight: SurveyFlight) -> None:
    first, second = flight[0], flight[1]
    assert first.stamp_s == 0.0
    assert second.stamp_s == pytest.approx(0.1)
    moved = np.linalg.norm(second.pose_enu[0] - first.pose_enu[0])
    assert 0.1 < moved < 0.9  # 4 m/s at 10 Hz, with sway


def test_the_fix_agrees_with_the_pose(flight: SurveyFlight) -> None:
    frame, config = flight[2], flight.config
    east, north, up = frame.pose_enu[0]
    assert frame.altitude_m == pytest.approx(config.altitude_origin_m + up)
    assert np.sign(frame.latitude_deg - config.latitude_deg) == np.sign(north)
    assert (frame.latitude_deg - config.latitude_deg) * 111_200 == pytest.approx(north, abs=0.1)
    assert (frame.longitude_deg - config.longitude_deg) * 75_500 == pytest.approx(east, abs=0.1)


@settings(deadline=None, max_examples=15)
@given(
    st.floats(5, 60), st.floats(0, 40), st.floats(0, 360), st.floats(-20, 20), st.floats(-20, 20)
)
def test_any_height_and_tilt_gives_a_full_image_and_sound_labels(
    flight: SurveyFlight, height: float, tilt: float, yaw: float, east: float, north: float
) -> None:
    roof = flight.world.roof_bounds[1, 2]
    pose = CameraPose.looking_down(
        [east, north, roof + height], yaw_deg=yaw, pitch_deg=tilt, roll_deg=0
    )
    frame = flight.render(pose, index=0, stamp_s=0.0)
    assert (frame.image_bgr.max(axis=2) > 0).mean() > 0.9
    assert set(np.unique(frame.mask)) <= set(range(len(frame.class_ids) + 1))


def test_an_index_outside_the_flight_is_refused(flight: SurveyFlight) -> None:
    with pytest.raises(IndexError, match='does not exist'):
        flight[len(flight)]


@pytest.mark.parametrize(
    ('field', 'value', 'words'),
    [
        ('size_wh', (8, 8), '32x32'),
        ('altitude_m', 0.0, 'above 0'),
        ('overlap', 1.0, '0 to 0.95'),
        ('tilt_deg', 80.0, 'no horizon'),
        ('jpeg_quality', 0, 'None for no JPEG'),
        ('noise', -1.0, '0 or more'),
        ('white_balance', 0.9, '0 to 0.3'),
        ('haze', 1.0, '0 to 0.8'),
        ('chromatic_px', 9.0, '0 to 4'),
        ('distortion', -0.9, '-0.3 to 0.3'),
        ('rolling_shutter_px', 99.0, '0 to 40'),
    ],
)
def test_a_flight_that_cannot_be_flown_is_refused(field: str, value: object, words: str) -> None:
    with pytest.raises(SimulationError, match=words):
        replace(FlightConfig(), **{field: value})
