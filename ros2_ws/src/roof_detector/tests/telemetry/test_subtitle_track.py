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
from roof_detector.telemetry.subtitles import SubtitleRecord, SubtitleTelemetry

SIZE = (1920, 1080)
GROUND = Ground(map_z_m=6.0)
TO_NORTH = 1 / 111_280


def record(second, *, north_m=0.0, east_m=0.0, **told):
    return SubtitleRecord(
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
    return SubtitleTelemetry(Path('DJI_0001.SRT'), records)


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
