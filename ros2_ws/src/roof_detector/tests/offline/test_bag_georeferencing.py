# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A bag of a robot with /tf gives positions on the map."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from roof_detector.bags.finding_messages import header_values
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.writer import BagWriter
from roof_detector.georeference.camera_mount import CameraMount
from roof_detector.georeference.ground import Ground
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.telemetry.recorded_track import TelemetrySettings

ODOMETRY = 'nav_msgs/msg/Odometry'
IMAGE, FIX, INFO, TF = (
    'sensor_msgs/msg/Image',
    'sensor_msgs/msg/NavSatFix',
    'sensor_msgs/msg/CameraInfo',
    'tf2_msgs/msg/TFMessage',
)
DOWN = dict(
    zip('xyzw', Rotation.from_matrix(CameraMount.on_body().rotation).as_quat(), strict=True)
)


def transform(stamp_ns, parent, child, *, rotation=None, up=0.0):
    inner = {'translation': {'z': up}, 'rotation': rotation or {'w': 1.0}}
    header = header_values(stamp_ns, parent)
    return {'transforms': [{'header': header, 'child_frame_id': child, 'transform': inner}]}


def write_flight(path, flights, topics, write_positions):
    """Write four images from 40 m above the roofs; each is 80 m wide.

    `topics` has the types of those that tell where `base_link` is, which `write_positions` is
    called for with a call that writes a message, and a stamp.
    """
    k = [40.0, 0, 39.5, 0, 40, 29.5, 0, 0, 1]
    with BagWriter(path) as writer:
        kinds = {'/eo/image': IMAGE, '/eo/camera_info': INFO, **topics, '/tf_static': TF}
        for topic, kind in kinds.items():
            writer.add_topic(topic, kind)
        begin_ns = flights.stamp_ns(0)

        def write(topic, values, log_ns):
            writer.write(topic, message_bytes(kinds[topic], values), log_time_ns=log_ns)

        write('/tf_static', transform(begin_ns, 'base_link', 'lens', rotation=DOWN), begin_ns)
        info = {'header': header_values(begin_ns, 'lens'), 'width': 80, 'height': 60, 'k': k}
        write('/eo/camera_info', info, begin_ns)
        for number in range(4):
            stamp_ns = flights.stamp_ns(number)
            write_positions(write, stamp_ns)
            write('/eo/image', flights.image_values(number), stamp_ns + 1)
    return path


@pytest.fixture
def robot(flights, tmp_path):
    """Return a bag whose vehicle heads east, 40 m over the roofs; the image is 80 m wide."""

    def positions(write, stamp_ns):
        header = header_values(stamp_ns, 'gps')
        write('/tf', transform(stamp_ns, 'map', 'base_link', up=40.0), stamp_ns)
        fix = {'header': header, 'latitude': 47.0, 'longitude': 8.0, 'altitude': 440.0}
        write('/gps', fix, stamp_ns)

    return write_flight(tmp_path / 'robot', flights, {'/gps': FIX, '/tf': TF}, positions)


def test_a_robot_with_transforms_gives_a_map_without_being_asked(robot, detect):
    (outcome,) = detect(robot, confidence=0.1, formats=None)
    found = json.loads((outcome.output / 'detections.geojson').read_text())['features']
    assert found and all(one['geometry'] for one in found)
    for one in found:
        longitude, latitude = one['geometry']['coordinates']
        left, top, right, bottom = one['properties']['box_px']
        # The upper edge points ahead, which is east; a pixel is a metre.
        east, north = 30 - (top + bottom) / 2, 40 - (left + right) / 2
        assert latitude == pytest.approx(47 + north / 111_170, abs=2e-6)
        assert longitude == pytest.approx(8 + east / (111_320 * np.cos(np.radians(47))), abs=3e-6)
        assert one['properties']['height_m'] == pytest.approx(40)
    assert any('/tf (lens -> base_link -> map)' in note for note in outcome.notes)


def test_a_preset_that_is_not_there_is_refused_with_its_topics(robot, detect):
    settings = GeoreferenceSettings(
        ground=Ground(height_m=40.0), telemetry=TelemetrySettings(preset='px4')
    )
    (outcome,) = detect(robot, formats=('geojson',), georeferencing=settings)
    assert any('no fix of px4 (fmu/out/vehicle_global_position' in w for w in outcome.warnings)


@pytest.fixture
def indoors(flights, tmp_path):
    """Return a bag of a vehicle without GNSS: odometry alone tells where it is."""

    def positions(write, stamp_ns):
        pose = {'position': {'x': 5.0, 'y': 2.0, 'z': 40.0}, 'orientation': {'w': 1.0}}
        odometry = {
            'header': header_values(stamp_ns, 'odom'),
            'child_frame_id': 'base_link',
            'pose': {'pose': pose},
        }
        write('/odom', odometry, stamp_ns)

    return write_flight(tmp_path / 'indoors', flights, {'/odom': ODOMETRY}, positions)


def table_of(outcome):
    with (outcome.output / 'detections.csv').open(encoding='utf-8-sig', newline='') as file:
        return list(csv.DictReader(file))


def test_poses_without_a_fix_give_metres_of_their_map_and_no_map_of_the_earth(indoors, detect):
    (outcome,) = detect(indoors, confidence=0.1, formats=None)
    assert not (outcome.output / 'detections.geojson').exists()
    rows = table_of(outcome)
    assert rows
    for row in rows:
        assert (row['latitude'], row['longitude'], row['crs']) == ('', '', 'local (m)')
        across = (float(row['left_px']) + float(row['right_px'])) / 2
        down = (float(row['top_px']) + float(row['bottom_px'])) / 2
        assert float(row['crs_x']) == pytest.approx(5 + 30 - down, abs=0.02)
        assert float(row['crs_y']) == pytest.approx(2 + 40 - across, abs=0.02)
        assert float(row['position_error_m']) > 0
    assert any('does not tell where on Earth the camera was' in one for one in outcome.notes)
    (outcome,) = detect(indoors, confidence=0.1, formats=('gpkg',), output='asked')
    assert any('Give the place of its origin with --origin' in one for one in outcome.warnings)


def test_poses_without_a_fix_are_on_the_map_by_the_origin_that_is_given(indoors, detect):
    settings = GeoreferenceSettings(telemetry=TelemetrySettings(origin=(47.0, 8.0, 440.0)))
    (outcome,) = detect(indoors, confidence=0.1, formats=None, georeferencing=settings)
    found = json.loads((outcome.output / 'detections.geojson').read_text())['features']
    assert found
    for one in found:
        longitude, latitude = one['geometry']['coordinates']
        left, top, right, bottom = one['properties']['box_px']
        east, north = 5 + 30 - (top + bottom) / 2, 2 + 40 - (left + right) / 2
        assert latitude == pytest.approx(47 + north / 111_170, abs=2e-6)
        assert longitude == pytest.approx(8 + east / (111_320 * np.cos(np.radians(47))), abs=3e-6)
    assert all(row['crs'] == '' and row['latitude'] for row in table_of(outcome))
