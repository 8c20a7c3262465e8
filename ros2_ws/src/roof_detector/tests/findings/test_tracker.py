# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from time import thread_time

import numpy as np
import pytest

from roof_detector.findings.camera_motion import FlowMotion, plane_motion
from roof_detector.findings.errors import FindingsError
from roof_detector.findings.tracker import Tracker, TrackerSettings
from roof_detector.georeference.camera_fix import CameraFix
from roof_detector.georeference.lens import Lens
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.pose import CameraPose
from roof_detector.simulation import FlightConfig, RoofWorld, SurveyFlight
from roof_detector.vision.detections import Detections

LENS = Lens(size_wh=(640, 360), matrix=np.array([[512.0, 0, 319.5], [0, 512, 179.5], [0, 0, 1]]))


def detections(boxes, *, scores=None, class_ids=None):
    count = len(boxes)
    return Detections(
        boxes_xyxy=np.asarray(boxes, np.float32).reshape(-1, 4),
        scores=np.full(count, 0.9, np.float32)
        if scores is None
        else np.asarray(scores, np.float32),
        class_ids=np.zeros(count, np.int32)
        if class_ids is None
        else np.asarray(class_ids, np.int32),
    )


def squares(centres, side=20.0):
    centres = np.asarray(centres, np.float64).reshape(-1, 2)
    return np.hstack([centres - side / 2, centres + side / 2])


def shift(dx, dy):
    return np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1.0]])


def test_a_frame_without_detections_has_no_tracks():
    assert Tracker().update(Detections.empty()).shape == (0,)


def test_objects_that_move_steadily_keep_their_numbers():
    tracker = Tracker()
    first = tracker.update(detections(squares([[50, 50], [200, 80]])))
    for step in range(1, 12):
        found = tracker.update(detections(squares([[50 + 4 * step, 50], [200, 80 + 3 * step]])))
        assert found.tolist() == first.tolist()


def test_camera_motion_keeps_objects_apart_that_take_each_others_places():
    places = np.array([[40.0 * k + 20, 100] for k in range(10)])
    with_motion, without = Tracker(), Tracker()
    first = with_motion.update(detections(squares(places)))
    without.update(detections(squares(places)))
    # The image moves by exactly the distance between neighbours.
    moved = places + np.array([40, 0])
    assert (
        with_motion.update(detections(squares(moved)), motion=shift(40, 0)).tolist()
        == first.tolist()
    )
    assert without.update(detections(squares(moved))).tolist() != first.tolist()


def test_a_doubtful_detection_continues_a_track_but_begins_none():
    tracker = Tracker()
    (number,) = tracker.update(detections(squares([[50, 50]])))
    found = tracker.update(detections(squares([[50, 50], [300, 50]]), scores=[0.2, 0.2]))
    assert found.tolist() == [number, 0]


def test_a_track_survives_missed_frames_and_ends_after_the_longest_gap():
    tracker = Tracker(TrackerSettings(longest_gap=3))
    (number,) = tracker.update(detections(squares([[50, 50]])))
    for _ in range(3):
        tracker.update(Detections.empty())
    assert tracker.update(detections(squares([[50, 50]]))).tolist() == [number]
    for _ in range(4):
        tracker.update(Detections.empty())
    assert tracker.update(detections(squares([[50, 50]]))).tolist() == [number + 1]


def test_two_boxes_of_one_frame_are_never_one_track():
    tracker = Tracker()
    tracker.update(detections(squares([[50, 50]])))
    found = tracker.update(detections(squares([[49, 50], [51, 50]])))
    assert len(set(found.tolist())) == 2


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(FindingsError, match='0 <= low <= high <= 1'):
        TrackerSettings(high_confidence=0.1, low_confidence=0.2)


def fix(position, yaw_deg):
    pose = CameraPose.looking_down(position, yaw_deg=yaw_deg, pitch_deg=3, roll_deg=-2)
    latitude, longitude, altitude = LocalTangentPlane(47, 8, 0).to_geodetic(position)
    none = np.zeros((3, 3))
    return CameraFix(
        stamp_ns=0,
        latitude_deg=latitude,
        longitude_deg=longitude,
        altitude_m=altitude,
        height_m=position[2],
        rotation=pose.rotation,
        lens=LENS,
        position_covariance=none,
        attitude_covariance=none,
    ), pose


def test_the_motion_of_the_ground_plane_maps_its_pixels_to_the_next_frame():
    before, first = fix([0, 0, 20.0], 90)
    after, second = fix([1.5, -2, 21.0], 84)
    ground = np.array([[1.0, 2, 0], [-4, 3, 0], [6, -2, 0]])

    def pixels(pose):
        optical = pose.to_optical(ground)
        return (optical[:, :2] / optical[:, 2:]) * 512 + (319.5, 179.5)

    mapped = np.column_stack([pixels(first), np.ones(3)]) @ plane_motion(before, after).T
    np.testing.assert_allclose(
        mapped[:, :2] / mapped[:, 2:], pixels(second), atol=0.2
    )  # of a sphere


@pytest.fixture(scope='module')
def flight():
    config = FlightConfig(size_wh=(640, 360), rate_hz=5.0)
    flight = SurveyFlight(RoofWorld.generate(seed=24), config, seed=24)
    return [flight[index] for index in range(20, 45)]


def test_optical_flow_finds_the_motion_of_a_flight(flight):
    flow = FlowMotion()
    errors, before = [], {}
    for frame in flight:
        motion = flow.update(frame.image_bgr)
        centres = {
            int(i): (box[:2] + box[2:]) / 2
            for i, box in zip(frame.instance_ids, frame.boxes_xyxy, strict=True)
        }
        if motion is not None:
            for i in centres.keys() & before.keys():
                errors.append(np.linalg.norm((motion @ [*before[i], 1])[:2] - centres[i]))
        before = centres
    assert len(errors) > 20
    assert np.median(errors) < 6  # of 640 pixels; objects stand above the plane


def test_an_image_without_texture_gives_no_invalid_motion():
    flow = FlowMotion()
    grey = np.full((360, 640, 3), 128, np.uint8)
    flow.update(grey)
    motion = flow.update(grey)
    assert motion is None or np.allclose(motion, np.eye(3), atol=1e-3)


def test_a_flight_keeps_an_object_in_one_track_and_repeats_exactly(flight):
    def run():
        tracker, flow, rows = Tracker(), FlowMotion(), []
        for frame in flight:
            motion = flow.update(frame.image_bgr)
            found = tracker.update(
                detections(frame.boxes_xyxy, class_ids=frame.class_ids), motion=motion
            )
            rows += [(int(i), int(t)) for i, t in zip(frame.instance_ids, found, strict=True)]
        return rows

    rows = run()
    assert rows == run()
    objects = {i for i, _ in rows}
    assert len(objects) > 5
    # One track holds one object, but for what leaves the image and returns.
    assert len({t for _, t in rows}) <= 1.2 * len(objects)
    assert all(len({i for i, t in rows if t == track}) == 1 for _, track in rows)


def test_fifty_objects_cost_a_millisecond_with_the_motion_of_the_image():
    random = np.random.default_rng(0)
    places = random.uniform(0, 1000, (50, 2))
    texture = np.repeat(random.integers(0, 255, (1200, 100, 3), np.uint8), 21, axis=1)
    tracker, flow, costs = Tracker(), FlowMotion(), []
    for step in range(40):
        boxes = detections(squares(places + 3.0 * step))
        first = 120 - 3 * step
        image = np.ascontiguousarray(texture[first : first + 1080, first : first + 1920])
        began = thread_time()
        tracker.update(boxes, motion=flow.update(image))
        costs.append(thread_time() - began)
    assert np.median(costs) < 5e-3  # 0.7 ms on an idle core; busy machines are slower
