# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Bags whose telemetry is damaged, through `inspect`: counted by cause, and no finding lost."""

from __future__ import annotations

import pytest

from roof_detector.bags.finding_messages import header_values
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.writer import BagWriter
from roof_detector.georeference.pose import CameraPose
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.inspection import InspectedResults, inspect_results

FRAMES = 40
KINDS = {
    '/camera/camera_info': 'sensor_msgs/msg/CameraInfo',
    '/camera/fix': 'sensor_msgs/msg/NavSatFix',
    '/camera/pose': 'geometry_msgs/msg/PoseStamped',
    '/camera/image': 'sensor_msgs/msg/Image',
}
CALIBRATED = [40.0, 0, 39.5, 0, 40, 29.5, 0, 0, 1]
DOWN = CameraPose.looking_down([0, 0, 0], yaw_deg=90, pitch_deg=0, roll_deg=0)
DAY_NS = 86_400 * 10**9
PLACE = (47.0, 8.0)


@pytest.fixture
def fly(flights, tmp_path):
    """Return what writes four seconds of a camera that hovers 10 m above one image.

    `place` gives latitude and longitude of a frame's fix, None where there is no telemetry;
    `clock_ns` is added to the stamps of the telemetry, and to its time of reception if `logged`.
    """

    def write(
        name='flight',
        *,
        place=lambda _: PLACE,
        matrix=CALIBRATED,
        clock_ns=0,
        logged=False,
        frames=FRAMES,
    ):
        path = tmp_path / name
        with BagWriter(path) as writer:
            for topic, kind in KINDS.items():
                writer.add_topic(topic, kind)

            def message(topic, number, values, *, frame_id='lens'):
                is_image = topic == '/camera/image'
                stamp_ns = flights.stamp_ns(number) + (0 if is_image else clock_ns)
                data = message_bytes(
                    KINDS[topic], {**values, 'header': header_values(stamp_ns, frame_id)}
                )
                log_ns = flights.stamp_ns(number) + (clock_ns if logged and not is_image else 0)
                writer.write(topic, data, log_time_ns=log_ns + 30_000_000 + is_image)

            message('/camera/camera_info', 0, {'width': 80, 'height': 60, 'k': matrix})
            turned = dict(zip('xyzw', DOWN.quaternion_xyzw.tolist(), strict=True))
            for number in range(frames):
                at = place(number)
                if at is not None:
                    fix = {'latitude': at[0], 'longitude': at[1], 'altitude': 410.0}
                    message('/camera/fix', number, fix)
                    pose = {'pose': {'position': {'z': 10.0}, 'orientation': turned}}
                    message('/camera/pose', number, pose, frame_id='map')
                values = flights.image_values(1)
                message('/camera/image', number, values)
        return path

    return write


@pytest.fixture
def inspect(detect, tmp_path):
    """Return what inspects bags, and checks that no detection is without its finding."""

    def run(*paths, frames=FRAMES):
        outcomes = detect(*paths, confidence=0.9)
        results = [
            InspectedResults(one.output, path.name, path)
            for one, path in zip(outcomes, paths, strict=True)
        ]
        found = inspect_results(
            results, tmp_path / 'inspection', georeferencing=GeoreferenceSettings()
        )
        assert found.frames == frames * len(paths)
        assert sum(one.sightings for one in found.findings) == found.detections > 0
        return found

    return run


def placed(found):
    return [one for one in found.findings if one.place is not None]


def unplaced_note(found, flight='flight'):
    (note,) = [one for one in found.notes if f'frames of {flight} have no place' in one]
    return note


def test_telemetry_without_faults_places_every_frame(fly, inspect):
    found = inspect(fly())
    assert len(placed(found)) == len(found.findings)
    assert not any('no place' in note for note in found.notes)


@pytest.mark.parametrize('gap', [(0, 15), (12, 27), (25, 40)], ids=['first', 'between', 'last'])
def test_frames_in_a_gap_are_counted_and_their_objects_stay_one(fly, inspect, gap):
    found = inspect(fly(place=lambda number: None if number in range(*gap) else PLACE))
    note = unplaced_note(found)
    assert note.startswith('15 of 40')
    assert 'fix' in note
    assert len(placed(found)) == len(found.findings) == found.detections / FRAMES


@pytest.mark.parametrize('value', [float('nan'), 91.0])
def test_fixes_that_are_no_place_are_left_out_and_counted(fly, inspect, value):
    found = inspect(fly(place=lambda number: (value, 8.0) if number % 4 == 1 else PLACE))
    (note,) = [one for one in found.notes if 'leaves out messages' in one]
    assert 'of /camera/fix: 10 not a position on Earth' in note
    assert len(placed(found)) == len(found.findings)


@pytest.mark.parametrize('first', [0, 18], ids=['at the beginning', 'between'])
@pytest.mark.parametrize(
    ('latitude', 'said'),
    [
        (47.05, '3 fixes of flight jump and 0 are more than 20 km'),
        (48.0, '0 fixes of flight jump and 3 are more than 20 km'),
    ],
    ids=['a jump', 'far away'],
)
def test_three_fixes_that_jump_cost_no_other_frame_its_place(fly, inspect, first, latitude, said):
    astray = range(first, first + 3)
    found = inspect(fly(place=lambda number: (latitude, 8.0) if number in astray else PLACE))
    assert said in ' '.join(found.notes)
    assert unplaced_note(found).startswith('3 of 40')
    assert {round(one.place.latitude_deg, 2) for one in placed(found)} == {47.0}
    assert len(placed(found)) == len(found.findings) == found.detections / FRAMES


def test_wrong_fixes_of_the_first_third_cost_the_others_no_place(fly, inspect):
    bag = fly(frames=80, place=lambda number: (48.0, 8.0) if number < 30 else PLACE)
    found = inspect(bag, frames=80)
    assert unplaced_note(found).startswith('30 of 80')
    assert {round(one.place.latitude_deg, 2) for one in placed(found)} == {47.0}


def test_an_origin_that_moves_for_good_is_a_part_of_its_own(fly, inspect):
    found = inspect(fly(place=lambda number: PLACE if number < 20 else (47.01, 8.0)))
    assert {name for one in found.findings for name in one.flights} == {'flight', 'flight part 2'}
    assert {round(one.place.latitude_deg, 2) for one in placed(found)} == {47.0, 47.01}


def test_two_flights_of_different_places_are_kept_apart(fly, inspect):
    found = inspect(fly(), fly('away', place=lambda _: (48.0, 8.0)))
    note = unplaced_note(found, 'away')
    assert note.startswith('40 of 40')
    assert 'far from all others' in note
    for one in found.findings:
        assert one.flights == (('flight',) if one.place else ('away',))


def test_a_first_flight_of_elsewhere_costs_two_others_no_place(fly, inspect):
    found = inspect(fly('away', place=lambda _: (48.0, 8.0)), fly('one'), fly('two'))
    assert unplaced_note(found, 'away').startswith('40 of 40')
    assert not any('frames of one' in note or 'frames of two' in note for note in found.notes)
    assert {name for one in placed(found) for name in one.flights} == {'one', 'two'}


def test_a_clock_that_differs_is_corrected_by_the_times_of_reception(fly, inspect):
    found = inspect(fly(clock_ns=-DAY_NS))
    assert any('The clock of /camera/fix is 86400' in note for note in found.notes)
    assert len(placed(found)) == len(found.findings)


def test_telemetry_of_another_day_gives_no_place_and_says_so(fly, inspect):
    found = inspect(fly(clock_ns=-DAY_NS, logged=True))
    assert unplaced_note(found).startswith('40 of 40')
    assert not placed(found)


@pytest.mark.parametrize(
    'matrix',
    [[0.0] * 9, [float('nan')] * 9],
    ids=['zeros', 'nan'],
)
def test_a_camera_without_intrinsics_gives_tracks_and_says_so(fly, inspect, matrix):
    found = inspect(fly(matrix=matrix))
    assert not placed(found)
    assert all(one.tracks for one in found.findings)
    (note,) = [one for one in found.notes if 'have no place' in one]
    assert 'calibrate' in note
