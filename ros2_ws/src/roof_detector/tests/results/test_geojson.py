# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json

import numpy as np
import pytest

from roof_detector.georeference.camera_track import CameraTrack
from roof_detector.georeference.ground import Ground
from roof_detector.georeference.lens import Lens
from roof_detector.georeference.pose import CameraPose
from roof_detector.georeference.stamped_series import StampedSeries
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.results.geojson import GeoJsonExport
from roof_detector.vision.detections import Detections

SURE = Uncertainty(horizontal_m=0.05, vertical_m=0.1, tilt_deg=0.2, heading_deg=0.5)


def track(run, *, pitch_deg=0.0, longitude_deg=8.5417, stamps=(0,)):
    pose = CameraPose.looking_down([0, 0, 30], yaw_deg=90, pitch_deg=pitch_deg, roll_deg=0)
    place = [47.3769, longitude_deg, 440.0, *SURE.fix_covariance.ravel()]
    attitude = [*pose.quaternion_xyzw, 30.0, *SURE.attitude_covariance.ravel()]
    times = [run.start_ns + stamp for stamp in stamps]
    width, height = run.size_wh
    matrix = np.array([[80.0, 0, (width - 1) / 2], [0, 80.0, (height - 1) / 2], [0, 0, 1]])
    return CameraTrack(
        positions=StampedSeries.of(times, place * len(times), width=12),
        attitudes=StampedSeries.of(times, attitude * len(times), width=14),
        lens=Lens(size_wh=run.size_wh, matrix=matrix),
        ground=Ground(altitude_m=410.0, sigma_m=0.3),
    )


def write(folder, frames, *, track):
    with GeoJsonExport(folder / 'd.geojson', folder / 'f.geojson', track=track) as export:
        for frame in frames:
            export.write(frame, None)
    points, footprints = (json.loads((folder / f'{n}.geojson').read_text()) for n in 'df')
    return export, points, footprints


def whole(run):
    """A box over the whole image, so centred below a level camera."""
    width, height = run.size_wh
    return Detections(
        boxes_xyxy=np.array([(0, 0, width, height)]),
        scores=np.array([0.75]),
        class_ids=np.array([1]),
    )


def test_no_frames_make_empty_collections(tmp_path, run):
    export, points, footprints = write(tmp_path, [run.frame(0, count=0)], track=track(run))
    assert points == footprints == {'type': 'FeatureCollection', 'features': []}
    assert export.notes == ()


def test_a_box_around_the_optical_axis_lies_below_the_camera(tmp_path, run):
    frame = run.frame(0, detections=whole(run))
    _, points, footprints = write(tmp_path, [frame], track=track(run))
    (feature,) = points['features']
    assert feature['type'] == 'Feature'
    assert feature['geometry'] == {'type': 'Point', 'coordinates': [8.5417, 47.3769]}
    properties = feature['properties']
    assert properties['class'] == 'air conditioner'
    assert properties['confidence'] == 0.75
    assert properties['time'] == '2026-09-21T14:13:20.000000Z'
    assert (properties['frame'], properties['source']) == (0, 'flights/one.mcap')
    assert properties['height_m'] == 30.0
    tilt, pixel = 30 * np.radians(0.2), 30 / 80 * 2
    expected = 2 * np.sqrt(2 * (0.05**2 + tilt**2 + pixel**2))
    assert properties['error_m'] == pytest.approx(expected, abs=0.01)
    (footprint,) = footprints['features']
    assert footprint['id'] == feature['id']
    assert footprint['properties'] == properties


def test_footprints_are_closed_rings_run_anticlockwise_of_the_right_size(tmp_path, run):
    frame = run.frame(0, detections=whole(run))
    _, _, footprints = write(tmp_path, [frame], track=track(run))
    ring = np.array(footprints['features'][0]['geometry']['coordinates'][0])
    assert len(ring) == 5 and (ring[0] == ring[-1]).all()
    x, y = ((ring - [8.5417, 47.3769]) * [75_500, 111_180]).T
    area = 0.5 * np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])
    assert area == pytest.approx(96 * 64 * (30 / 80) ** 2, rel=0.01)


def test_a_detection_without_a_place_is_kept_with_its_reason(tmp_path, run):
    frames = [run.frame(index, count=1) for index in (0, 100)]
    export, points, footprints = write(tmp_path, frames, track=track(run))
    assert points['features'][0]['geometry'] is not None
    for collection in (points, footprints):
        lost = collection['features'][1]
        assert lost['geometry'] is None
        assert lost['properties']['unlocated'] == (
            'This frame is 10.00 s after the last fix of the flight.'
        )
    assert 'no position for 1 of 2 detections' in export.notes[0]


def test_a_box_above_the_horizon_has_no_place(tmp_path, run):
    frame = run.frame(0, count=1)
    _, points, footprints = write(tmp_path, [frame], track=track(run, pitch_deg=80.0))
    assert points['features'][0]['geometry'] is None
    assert 'too far away' in points['features'][0]['properties']['unlocated']
    assert footprints['features'][0]['geometry'] is None


def test_a_footprint_across_the_antimeridian_is_left_out_but_its_point_is_not(tmp_path, run):
    frame = run.frame(0, detections=whole(run))
    place = track(run, longitude_deg=179.99999)
    _, points, footprints = write(tmp_path, [frame], track=place)
    assert points['features'][0]['geometry']['coordinates'][0] == pytest.approx(179.99999)
    assert footprints['features'][0]['geometry'] is None
