# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The track of a video's camera, from its subtitles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roof_detector.georeference.camera_mount import CameraMount
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.ground import Ground
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.subtitle_track import can_be_georeferenced, subtitle_track
from roof_detector.telemetry.subtitles import parse_subtitles
from roof_detector.telemetry.telemetry_sample import TelemetrySample, VideoTelemetry

SIZE = (1920, 1080)
GROUND = Ground(map_z_m=6.0)
TO_NORTH = 1 / 111_280


def record(second, *, north_m=0.0, east_m=0.0, **told):
    return TelemetrySample(
        begin_s=second,
        end_s=second + 1,
        latitude_deg=52.52 + north_m * TO_NORTH,
        longitude_deg=13.41 + east_m * TO_NORTH / np.cos(np.radians(52.52)),
        **{
            'relative_altitude_m': 40.0,
            'gimbal': (90.0, -90.0, 0.0),
            'focal_35mm': 24.0,
            **told,
        },
    )


def telemetry(*records):
    return VideoTelemetry(Path('DJI_0001.SRT'), records)


def track(*records, **options):
    return subtitle_track(telemetry(*records), **{'size_wh': SIZE, 'ground': GROUND, **options})


def bearing(fix, column):
    east, north, _ = -fix.rotation[:, column]
    return np.degrees(np.arctan2(east, north)) % 360


def test_a_frame_between_two_subtitles_is_between_their_places():
    fix = track(record(0), record(1, north_m=10)).at(250_000_000, size_wh=SIZE)
    assert (fix.latitude_deg - 52.52) / TO_NORTH == pytest.approx(2.5, abs=0.01)
    assert fix.height_m == pytest.approx(34.0)
    assert bearing(fix, 1) == pytest.approx(90)  # the upper edge of the image
    assert fix.rotation[:, 2] == pytest.approx([0, 0, -1], abs=1e-9)
    # 24 mm on the diagonal of a sensor of 4:3 that is 1920 pixels wide.
    assert fix.lens.matrix[0, 0] == pytest.approx(24 / 43.267 * 2400, rel=1e-3)


def test_beyond_the_subtitles_and_in_their_gaps_there_is_no_place():
    flown = track(record(0), record(1), record(10))
    with pytest.raises(GeoError, match='There is no fix for 9'):
        flown.at(5_000_000_000, size_wh=SIZE)
    with pytest.raises(GeoError, match='after the last'):
        flown.at(15_000_000_000, size_wh=SIZE)


def test_without_gimbal_angles_the_operator_must_say_how_the_camera_was_fixed():
    flown = [record(second, east_m=5.0 * second, gimbal=None) for second in range(4)]
    assert not can_be_georeferenced(telemetry(*flown))
    with pytest.raises(TelemetryError, match=r'no gimbal angles\. Give --mount-down'):
        track(*flown)
    notes = []
    fixed = track(*flown, mount=CameraMount.on_body(down_deg=90), notes=notes)
    fix = fixed.at(1_000_000_000, size_wh=SIZE)
    assert bearing(fix, 1) == pytest.approx(90, abs=0.5)  # flown to the east
    assert fix.rotation[:, 2] == pytest.approx([0, 0, -1], abs=1e-9)
    assert np.sqrt(fix.attitude_covariance[2, 2]) == pytest.approx(np.radians(15))
    assert 'the heading is the course over ground' in ' '.join(notes)
    ahead = track(*flown, mount=CameraMount.on_body(down_deg=0)).at(0, size_wh=SIZE)
    assert ahead.rotation[:, 2] == pytest.approx([1, 0, 0], abs=0.01)


def test_while_it_hovers_a_drone_keeps_its_last_course():
    still = [record(second, north_m=-20, gimbal=None) for second in range(5, 10)]
    flown = [record(second, north_m=-4.0 * second, gimbal=None) for second in range(5)]
    mount = CameraMount.on_body(down_deg=90)
    fix = track(*flown, *still, mount=mount).at(9_000_000_000, size_wh=SIZE)
    assert bearing(fix, 1) == pytest.approx(180, abs=1)
    with pytest.raises(TelemetryError, match='hovers all the time'):
        track(*still, mount=mount)


@pytest.mark.parametrize(
    ('told', 'ground', 'words'),
    [
        ({'relative_altitude_m': None}, GROUND, 'does not hold the height above'),
        ({'altitude_m': None}, Ground(altitude_m=80.0), 'does not hold the altitude'),
        ({'focal_35mm': None}, GROUND, 'no focal length is recorded'),
    ],
)
def test_what_is_not_told_is_asked_for(told, ground, words):
    with pytest.raises(TelemetryError, match=words):
        track(record(0, **told), record(1, **told), ground=ground)


def test_a_zoom_that_changes_is_not_guessed_and_the_operator_s_lens_counts():
    zoomed = record(0), record(1, focal_35mm=48.0)
    with pytest.raises(TelemetryError, match='the zoom changes'):
        track(*zoomed)
    fix = track(*zoomed, focal_35mm=35.0).at(0, size_wh=SIZE)
    assert fix.lens.matrix[0, 0] == pytest.approx(35 / 43.267 * 2400, rel=1e-3)


def test_subtitles_without_any_place_are_refused():
    with pytest.raises(TelemetryError, match='holds no position'):
        track(replace(record(0), latitude_deg=None, longitude_deg=None))


def test_only_subtitles_that_tell_everything_are_used_without_being_asked():
    assert can_be_georeferenced(telemetry(record(0), record(1)))
    for missing in ('gimbal', 'focal_35mm', 'relative_altitude_m'):
        assert not can_be_georeferenced(telemetry(record(0), record(1, **{missing: None})))
    assert not can_be_georeferenced(telemetry())


def turning(gimbal, *, flight_yaw=True):
    """Return records of a drone that turns to the right from north while it flies ahead."""
    headings = [15.0 * second for second in range(5)]
    return [
        record(
            second,
            north_m=8.0 * sum(np.cos(np.radians(headings[:second]))),
            east_m=8.0 * sum(np.sin(np.radians(headings[:second]))),
            gimbal=gimbal(heading),
            flight_yaw_deg=heading if flight_yaw else None,
        )
        for second, heading in enumerate(headings)
    ]


def test_a_yaw_of_zero_while_the_aircraft_turns_is_that_of_the_aircraft():
    notes = []
    flown = track(*turning(lambda heading: (0.0, -90.0, 0.0)), notes=notes)
    assert bearing(flown.at(3_000_000_000, size_wh=SIZE), 1) == pytest.approx(45.0)
    assert 'is 0 degrees all the time, while the aircraft turns by 60 degrees' in ' '.join(notes)


def test_a_gimbal_that_is_locked_to_a_heading_is_used_and_named():
    notes = []
    flown = track(*turning(lambda heading: (20.0, -90.0, 0.0)), notes=notes)
    assert bearing(flown.at(3_000_000_000, size_wh=SIZE), 1) == pytest.approx(20.0)
    assert 'as of a gimbal that is locked to north' in ' '.join(notes)


@pytest.mark.parametrize(('flight_yaw', 'by'), [(True, 'heading'), (False, 'course')])
def test_a_roll_of_180_that_looks_backwards_is_taken_as_zero(flight_yaw, by):
    notes = []
    flown = track(*turning(lambda yaw: (yaw, -90.0, 180.0), flight_yaw=flight_yaw), notes=notes)
    assert bearing(flown.at(3_000_000_000, size_wh=SIZE), 1) == pytest.approx(45.0)
    assert f'a roll of 180 degrees contradicts the {by} of the aircraft' in ' '.join(notes)


def test_a_roll_of_180_that_agrees_with_the_aircraft_stays():
    notes = []
    flown = track(*turning(lambda yaw: (yaw + 180.0, -90.0, 180.0)), notes=notes)
    assert bearing(flown.at(3_000_000_000, size_wh=SIZE), 1) == pytest.approx(45.0)
    assert notes == []


def test_a_fixed_camera_has_the_heading_of_the_aircraft_where_that_is_recorded():
    notes = []
    sideways = [
        record(second, east_m=5.0 * second, gimbal=None, flight_yaw_deg=10.0)
        for second in range(4)
    ]
    flown = track(*sideways, mount=CameraMount.on_body(down_deg=90), notes=notes)
    assert bearing(flown.at(1_000_000_000, size_wh=SIZE), 1) == pytest.approx(10.0)
    assert flown.sources['attitude'] == 'heading of the aircraft'


@pytest.mark.parametrize(
    ('heights', 'altitudes', 'named'),
    [
        ((40.0, 41.0, 2.0, 3.0), (140.0, 141.0, 142.0, 143.0), 'take-off point jumps by 40 m'),
        ((40.0, 41.0, 2.0, 3.0), (None,) * 4, 'height above take-off jumps by 39 m at 2 s'),
        ((40.0, 41.0, 52.0, 53.0), (None,) * 4, ''),
        ((40.0, 41.0, 52.0, 53.0), (140.0, 141.0, 152.0, 153.0), ''),
    ],
    ids=['restarts', 'restarts_without_altitude', 'climbs', 'climbs_with_altitude'],
)
def test_a_height_that_starts_again_is_named(heights, altitudes, named):
    notes = []
    flown = [
        record(second, relative_altitude_m=height, altitude_m=altitude)
        for second, (height, altitude) in enumerate(zip(heights, altitudes, strict=True))
    ]
    track(*flown, notes=notes)
    assert named in ' '.join(notes) and bool(named) == bool(notes)


def test_frames_before_the_first_fix_have_no_place_and_later_ones_do():
    cue = '[latitude: {}] [longitude: {}] [rel_alt: 40.0 abs_alt: 120.0] [focal_len: 24.0] '
    cue += '[gb_yaw: 5.0 gb_pitch: -90.0 gb_roll: 0.0]'
    places = [(0, 0)] * 4 + [(52.52, 13.41), (52.5201, 13.41)]
    cues = [(second, second + 1, cue.format(*one)) for second, one in enumerate(places)]
    notes = []
    told = parse_subtitles(Path('DJI_0001.SRT'), cues)
    flown = subtitle_track(told, size_wh=SIZE, ground=GROUND, notes=notes)
    assert flown.at(4_500_000_000, size_wh=SIZE).latitude_deg == pytest.approx(52.52005)
    with pytest.raises(GeoError, match='before the first fix'):
        flown.at(1_000_000_000, size_wh=SIZE)
    assert '4 subtitles give latitude 0, longitude 0' in ' '.join(notes)


def test_a_missing_yaw_of_the_gimbal_is_that_of_the_aircraft():
    told = parse_subtitles(
        Path('DJI_0001.SRT'),
        [(0, 1, '[latitude: 52] [longitude: 13] [gb_pitch: -90.0] [drone_yaw: 33.0]')],
    )
    assert told.samples[0].gimbal == (33.0, -90.0, 0.0)
    assert '1 subtitles have no yaw of the gimbal' in ' '.join(told.notes)


def test_the_unknown_level_of_altitudes_is_named_where_they_count():
    notes = []
    flown = [record(second, altitude_m=120.0) for second in range(3)]
    track(*flown, ground=Ground(altitude_m=80.0), notes=notes)
    assert 'do not say what their altitudes count from' in ' '.join(notes)
