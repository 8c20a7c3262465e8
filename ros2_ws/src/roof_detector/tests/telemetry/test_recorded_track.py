# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest

from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.reader import BagReader
from roof_detector.bags.writer import BagWriter
from roof_detector.georeference.camera_mount import CameraMount
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.ground import Ground
from roof_detector.georeference.pose import CameraPose
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.recorded_track import TelemetrySettings, read_track
from roof_detector.telemetry.topic_choice import TopicNames

START_NS = 1_790_000_000_000_000_000
IMAGE = '/camera/image'
DOWN = CameraPose.looking_down([0, 0, 0], yaw_deg=90, pitch_deg=0, roll_deg=0)
FIX, INFO = 'sensor_msgs/msg/NavSatFix', 'sensor_msgs/msg/CameraInfo'
POSE, ODOMETRY, IMU = (
    'geometry_msgs/msg/PoseStamped',
    'nav_msgs/msg/Odometry',
    'sensor_msgs/msg/Imu',
)
GROUND = Ground(altitude_m=410.0, sigma_m=0.5)


def header(after_ns):
    seconds, nanoseconds = divmod(START_NS + after_ns, 1_000_000_000)
    return {'header': {'stamp': {'sec': seconds, 'nanosec': nanoseconds}, 'frame_id': 'f'}}


def fix(after_ns, *, altitude, **more):
    return {'latitude': 47.0, 'longitude': 8.0, 'altitude': altitude, **header(after_ns), **more}


def posed(z=30.0):
    orientation = dict(zip('xyzw', DOWN.quaternion_xyzw.tolist(), strict=True))
    return {'position': {'x': 0.0, 'y': 0.0, 'z': z}, 'orientation': orientation}


def info(size_wh=(640, 480)):
    k = [500.0, 0, 319.5, 0, 500, 239.5, 0, 0, 1]
    p = [400.0, 0, 319.5, 0, 0, 400, 239.5, 0, 0, 0, 1, 0]
    width, height = size_wh
    return {'width': width, 'height': height, 'k': k, 'p': p, **header(0)}


def bag(tmp_path, *messages):
    """Write (topic, type, values) in order."""
    with BagWriter(tmp_path / 'bag') as writer:
        for topic, kind in {topic: kind for topic, kind, _ in messages}.items():
            writer.add_topic(topic, kind)
        for number, (topic, kind, values) in enumerate(messages):
            data = message_bytes(kind, values)
            writer.write(topic, data, log_time_ns=START_NS + number, publish_time_ns=START_NS)
    return BagReader(tmp_path / 'bag')


def fixed_by(topic):
    return TelemetrySettings(names=TopicNames(fix=topic))


def camera_messages():
    return [
        ('/camera/camera_info', INFO, info()),
        ('/camera/fix', FIX, fix(0, altitude=440.0)),
        ('/camera/pose', POSE, {'pose': posed(), **header(0)}),
        ('/camera/fix', FIX, fix(200_000_000, altitude=442.0)),
        ('/camera/pose', POSE, {'pose': posed(32.0), **header(200_000_000)}),
    ]


def test_a_bag_without_fixes_is_refused_with_its_topics(tmp_path):
    turned = {'orientation': {'w': 1.0}, **header(0)}
    messages = [camera_messages()[0], ('/camera/imu', IMU, turned)]
    with (
        bag(tmp_path, *messages) as reader,
        pytest.raises(
            TelemetryError, match=r'holds no fix \(.*NavSatFix\); it holds /camera/camera'
        ),
    ):
        read_track(reader, image_topic=IMAGE, ground=GROUND)


def test_poses_alone_give_positions_in_their_own_map(tmp_path):
    messages = [m for m in camera_messages() if m[1] != FIX]
    notes = []
    with bag(tmp_path, *messages) as reader:
        track = read_track(reader, image_topic=IMAGE, ground=Ground(map_z_m=0.0), notes=notes)
    assert track.is_local
    assert track.at(START_NS + 50_000_000, size_wh=(640, 480)).height_m == pytest.approx(30.5)
    assert 'does not tell where on Earth the camera was' in ' '.join(notes)


def test_a_camera_that_knows_where_it_is_has_a_place_between_two_fixes(tmp_path):
    with bag(tmp_path, *camera_messages()) as reader:
        track = read_track(reader, image_topic=IMAGE, ground=GROUND)
    camera = track.at(START_NS + 50_000_000, size_wh=(640, 480))
    assert camera.height_m == pytest.approx(30.5)
    np.testing.assert_allclose(camera.rotation, DOWN.rotation, atol=1e-9)
    assert camera.lens.matrix[0, 0] == 500.0
    with pytest.raises(GeoError, match='after the last fix'):
        track.at(START_NS + 10**9, size_wh=(640, 480))


def test_recorded_covariances_count_and_unknown_ones_are_assumed(tmp_path):
    known = {'position_covariance': [0.04, 0, 0, 0, 0.09, 0, 0, 0, 0.16],
             'position_covariance_type': 2}  # fmt: skip
    odometry = {'pose': {'pose': posed(), 'covariance': (np.eye(6) * 0.01).ravel().tolist()}}
    with bag(
        tmp_path,
        ('/camera/camera_info', INFO, info()),
        ('/gps', FIX, fix(0, altitude=440.0, **known)),
        ('/odometry', ODOMETRY, {**odometry, **header(0)}),
    ) as reader:
        sure = read_track(reader, image_topic=IMAGE, ground=GROUND).at(
            START_NS, size_wh=(640, 480)
        )
    np.testing.assert_allclose(np.diag(sure.position_covariance), [0.04, 0.09, 0.16 + 0.25])
    np.testing.assert_allclose(sure.attitude_covariance, np.eye(3) * 0.01)
    with bag(tmp_path / 'other', *camera_messages()) as reader:
        guess = Uncertainty(horizontal_m=2.0, vertical_m=3.0, tilt_deg=1.0, heading_deg=2.0)
        track = read_track(reader, image_topic=IMAGE, ground=GROUND, uncertainty=guess)
        unsure = track.at(START_NS, size_wh=(640, 480))
    np.testing.assert_allclose(np.diag(unsure.position_covariance), [4.0, 4.0, 9.25])
    np.testing.assert_allclose(unsure.attitude_covariance, guess.attitude_covariance)


def test_receivers_without_a_fix_and_empty_attitudes_are_left_out(tmp_path):
    lost = fix(100_000_000, altitude=9000.0, status={'status': -1, 'service': 1})
    nowhere = fix(100_000_001, altitude=float('nan'))
    unknown = {'orientation_covariance': [-1.0, *[0.0] * 8], **header(0)}
    level = {'orientation': {'x': 0.0, 'y': 0.0, 'z': 0.0, 'w': 1.0}, **header(0)}
    with bag(
        tmp_path,
        *(m for m in camera_messages() if m[1] != POSE),
        ('/camera/fix', FIX, lost),
        ('/camera/fix', FIX, nowhere),
        ('/imu', IMU, unknown),
        ('/imu', IMU, level),
    ) as reader:
        mount = CameraMount.on_body()
        track = read_track(reader, image_topic=IMAGE, ground=GROUND, mount=mount)
    assert len(track.positions.rows) == 2 and len(track.attitudes.rows) == 1
    ahead = track.at(START_NS, size_wh=(640, 480)).rotation @ [0, 0, 1]
    np.testing.assert_allclose(ahead, [0, 0, -1], atol=1e-9)


def test_an_imu_has_no_height_in_the_map(tmp_path):
    level = {'orientation': {'x': 0.0, 'y': 0.0, 'z': 0.0, 'w': 1.0}, **header(0)}
    messages = [m for m in camera_messages() if m[1] != POSE]
    with (
        bag(tmp_path, *messages, ('/imu', IMU, level)) as reader,
        pytest.raises(TelemetryError, match='is an IMU and has no z'),
    ):
        read_track(reader, image_topic=IMAGE, ground=Ground(map_z_m=0.0))


def test_of_two_cameras_each_has_its_own_place(tmp_path):
    other = [(topic.replace('/camera', '/rear'), kind, values)
             for topic, kind, values in camera_messages()]  # fmt: skip
    other[1] = ('/rear/fix', FIX, fix(0, altitude=500.0))
    with bag(tmp_path, *other, *camera_messages()) as reader:
        front, rear = (
            read_track(reader, image_topic=topic, ground=GROUND).at(START_NS, size_wh=(640, 480))
            for topic in ('/camera/image', '/rear/image')
        )
        named = read_track(
            reader, image_topic=IMAGE, ground=GROUND, settings=fixed_by('/rear/fix')
        )
        with pytest.raises(TelemetryError, match='no topic /nothing with a fix'):
            read_track(reader, image_topic=IMAGE, ground=GROUND, settings=fixed_by('/nothing'))
    assert (front.altitude_m, rear.altitude_m) == (440.0, 500.0)
    assert named.at(START_NS, size_wh=(640, 480)).altitude_m == 500.0


def test_a_rectified_image_has_the_projection_and_no_distortion(tmp_path):
    with bag(tmp_path, *camera_messages()) as reader:
        track = read_track(reader, image_topic='/camera/image_rect', ground=GROUND)
    assert track.lens.matrix[0, 0] == 400.0 and not track.lens.distortion


def test_an_uncalibrated_camera_gives_no_georeferenced_positions(tmp_path):
    messages = [('/camera/camera_info', INFO, {**info(), 'k': [0.0] * 9}), *camera_messages()[1:]]
    with (
        bag(tmp_path, *messages) as reader,
        pytest.raises(
            TelemetryError, match=r'gives no georeferenced positions: .* is not calibrated'
        ),
    ):
        read_track(reader, image_topic=IMAGE, ground=GROUND)


def test_invalid_records_are_left_out_counted_and_reported(tmp_path):
    nan, inf = float('nan'), float('inf')
    odd_pose = {**posed(), 'orientation': {'w': inf}}
    early = {'header': {'stamp': {'sec': -5}}}
    messages = [
        ('/camera/camera_info', INFO, {**info(), 'k': [nan] * 9}),
        ('/camera/camera_info', INFO, {**info(), 'width': 0}),
        *camera_messages(),
        ('/camera/camera_info', INFO, info((320, 240))),
        ('/camera/fix', FIX, fix(50_000_000, altitude=nan)),
        ('/camera/fix', FIX, fix(60_000_000, altitude=1e300)),
        ('/camera/fix', FIX, {**fix(70_000_000, altitude=9.0), 'latitude': 91.0}),
        ('/camera/fix', FIX, {**fix(0, altitude=9.0), **early}),
        ('/camera/fix', FIX, {**fix(80_000_000, altitude=9.0), 'status': {'status': -1}}),
        ('/camera/pose', POSE, {'pose': odd_pose, **header(50_000_000)}),
        ('/camera/pose', POSE, {'pose': posed(nan), **header(60_000_000)}),
        ('/camera/pose', POSE, {'pose': posed(), **early}),
    ]
    notes = []
    with bag(tmp_path, *messages) as reader:
        track = read_track(reader, image_topic=IMAGE, ground=GROUND, notes=notes)
    assert track.at(START_NS + 100_000_000, size_wh=(640, 480)).altitude_m == pytest.approx(441)
    assert notes == [
        'Georeferencing leaves out messages of /camera/fix: 3 not a position on Earth, '
        '1 without a fix, 1 without a stamp.',
        'Georeferencing leaves out messages of /camera/pose: 2 not an attitude, '
        '1 without a stamp.',
        'Georeferencing leaves out messages of /camera/camera_info: 2 not calibrated, '
        '1 of another calibration than the first.',
    ]


def test_a_negative_variance_is_not_believed(tmp_path):
    messages = camera_messages()
    for k, (topic, kind, values) in enumerate(messages):
        if kind == FIX:
            odd = {'position_covariance': [-1.0, *[0.0] * 8], 'position_covariance_type': 2}
            messages[k] = topic, kind, values | odd
    with bag(tmp_path, *messages) as reader:
        track = read_track(reader, image_topic=IMAGE, ground=GROUND)
    covariance = track.at(START_NS, size_wh=(640, 480)).position_covariance
    assert covariance[0, 0] == pytest.approx(Uncertainty().horizontal_m ** 2)


@pytest.mark.parametrize(
    ('window', 'binning', 'image_wh'),
    [
        ((0, 0, 0, 0), (0, 0), (640, 480)),
        ((0, 0, 0, 0), (2, 2), (320, 240)),
        ((0, 0, 0, 0), (2, 4), (320, 120)),
        ((100, 60, 320, 240), (1, 1), (320, 240)),
        ((100, 60, 320, 240), (2, 2), (160, 120)),
    ],
)
def test_binning_and_a_region_of_interest_leave_each_ray_where_it_was(
    tmp_path, window, binning, image_wh
):
    x, y, width, height = window
    region = {'x_offset': x, 'y_offset': y, 'width': width, 'height': height}
    odd = {'roi': region, 'binning_x': binning[0], 'binning_y': binning[1]}
    messages = [(t, k, v | odd if k == INFO else v) for t, k, v in camera_messages()]
    with bag(tmp_path, *messages) as reader:
        track = read_track(reader, image_topic=IMAGE, ground=GROUND)
    lens = track.at(START_NS, size_wh=image_wh).lens
    step_x, step_y = max(1, binning[0]), max(1, binning[1])
    for column, row in ((0, 0), (10, 7), (image_wh[0] - 1, image_wh[1] - 1)):
        # The centre of a binned pixel lies between the centres of those it is made of.
        full = x + (column + 0.5) * step_x - 0.5, y + (row + 0.5) * step_y - 0.5
        expected = (full[0] - 319.5) / 500, (full[1] - 239.5) / 500, 1.0
        assert lens.rays([(column, row)])[0] == pytest.approx(expected)


def test_a_region_beyond_its_image_is_not_a_calibration(tmp_path):
    odd = {'roi': {'x_offset': 600, 'width': 320, 'height': 240}}
    messages = [(t, k, v | odd if k == INFO else v) for t, k, v in camera_messages()]
    with bag(tmp_path, *messages) as reader, pytest.raises(TelemetryError, match='not within the'):
        read_track(reader, image_topic=IMAGE, ground=GROUND)
