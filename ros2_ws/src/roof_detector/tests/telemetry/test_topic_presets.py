# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Bags of MAVROS, PX4, psdk_ros2 and TF: messages as these programs write them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from scipy.spatial.transform import Rotation

from roof_detector.bags.reader import BagReader
from roof_detector.georeference.camera_mount import CameraMount
from roof_detector.georeference.errors import GeoError
from roof_detector.georeference.ground import Ground
from roof_detector.georeference.local_tangent_plane import LocalTangentPlane
from roof_detector.georeference.uncertainty import Uncertainty
from roof_detector.telemetry.errors import TelemetryError
from roof_detector.telemetry.live_camera import LiveCamera
from roof_detector.telemetry.live_telemetry import LiveTelemetry
from roof_detector.telemetry.message_clock import MessageClock
from roof_detector.telemetry.recorded_track import TelemetrySettings, read_track
from roof_detector.telemetry.topic_choice import TopicNames, choose_topics

START_NS = 1_790_000_000_000_000_000
IMAGE = '/eo/image'
SIZE_WH = (640, 480)
GROUND = Ground(altitude_m=400.0, sigma_m=0.5)
MESSAGES = {
    'px4_msgs/msg/VehicleGlobalPosition': 'uint64 timestamp\nuint64 timestamp_sample\n'
    'float64 lat\nfloat64 lon\nfloat32 alt\nfloat32 alt_ellipsoid\nfloat32 delta_alt\n'
    'uint8 lat_lon_reset\nfloat32 eph\nfloat32 epv\nbool dead_reckoning\n',
    'px4_msgs/msg/VehicleAttitude': 'uint64 timestamp\nuint64 timestamp_sample\nfloat32[4] q\n'
    'float32[4] delta_q_reset\nuint8 quat_reset_counter\n',
    'px4_msgs/msg/VehicleLocalPosition': 'uint64 timestamp\nbool z_valid\nfloat32 z\n',
    'px4_msgs/msg/GimbalDeviceAttitudeStatus': 'uint64 timestamp\nuint8 target_system\n'
    'uint16 device_flags\nfloat32[4] q\nuint32 failure_flags\n',
    'mavros_msgs/msg/GimbalDeviceAttitudeStatus': 'std_msgs/Header header\nuint8 target_system\n'
    'uint16 flags\ngeometry_msgs/Quaternion q\nuint32 failure_flags\n',
    'tf2_msgs/msg/TFMessage': 'geometry_msgs/TransformStamped[] transforms\n',
}


@pytest.fixture(scope='module')
def store():
    found = get_typestore(Stores.ROS2_HUMBLE)
    for name, text in MESSAGES.items():
        if name not in found.fielddefs:
            found.register(get_types_from_msg(text, name))
    return found


class Flight:
    """Writes the messages of a bag with their own definitions, as rosbag2 does."""

    def __init__(self, path, store):
        self._store = store
        self._path = path
        self._messages = []
        self.add('/eo/camera_info', 'sensor_msgs/msg/CameraInfo', 0.0, self._info())

    def make(self, kind, *values, **named):
        return self._store.types[kind](*values, **named)

    def header(self, at_s, frame_id='f'):
        seconds, nanosec = divmod(START_NS + round(at_s * 1e9), 10**9)
        stamp = self.make('builtin_interfaces/msg/Time', seconds, nanosec)
        return self.make('std_msgs/msg/Header', stamp, frame_id)

    def add(self, topic, kind, at_s, message, *, delay_s=0.0):
        log_ns = START_NS + round((at_s + delay_s) * 1e9)
        self._messages.append((log_ns, topic, kind, message))

    def quaternion(self, rotation):
        return self.make('geometry_msgs/msg/Quaternion', *rotation.as_quat())

    def fix(self, topic, at_s, *, altitude=440.0, frame_id='f', east_m=0.0):
        latitude, longitude, _ = LocalTangentPlane(47.0, 8.0, 440.0).to_geodetic([east_m, 0, 0])
        status = self.make('sensor_msgs/msg/NavSatStatus', 0, 1)
        message = self.make(
            'sensor_msgs/msg/NavSatFix',
            *(self.header(at_s, frame_id), status, latitude, longitude, altitude),
            *(np.zeros(9), 0),
        )
        self.add(topic, 'sensor_msgs/msg/NavSatFix', at_s, message)

    def pose(self, topic, at_s, rotation, *, z=30.0):
        point = self.make('geometry_msgs/msg/Point', 0.0, 0.0, z)
        pose = self.make('geometry_msgs/msg/Pose', point, self.quaternion(rotation))
        message = self.make('geometry_msgs/msg/PoseStamped', self.header(at_s), pose)
        self.add(topic, 'geometry_msgs/msg/PoseStamped', at_s, message)

    def transform(self, at_s, parent, child, *, rotation=None, shift=(0.0, 0.0, 0.0), topic='/tf'):
        rotation = rotation or Rotation.identity()
        vector = self.make('geometry_msgs/msg/Vector3', *shift)
        inner = self.make('geometry_msgs/msg/Transform', vector, self.quaternion(rotation))
        header = self.header(at_s, parent)
        stamped = self.make('geometry_msgs/msg/TransformStamped', header, child, inner)
        self.add(
            topic, 'tf2_msgs/msg/TFMessage', at_s, self.make('tf2_msgs/msg/TFMessage', [stamped])
        )

    def bag(self):
        with Writer(self._path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
            known = {}
            for log_ns, topic, kind, message in sorted(self._messages, key=lambda one: one[0]):
                if topic not in known:
                    known[topic] = writer.add_connection(topic, kind, typestore=self._store)
                writer.write(known[topic], log_ns, self._store.serialize_cdr(message, kind))
        return BagReader(self._path)

    def _info(self):
        region = self.make('sensor_msgs/msg/RegionOfInterest', 0, 0, 0, 0, do_rectify=False)
        k = np.array([500.0, 0, 319.5, 0, 500, 239.5, 0, 0, 1])
        p = np.array([500.0, 0, 319.5, 0, 0, 500, 239.5, 0, 0, 0, 1, 0])
        model = 'plumb_bob'
        header = self.header(0.0, 'eo_optical')
        return self.make(
            'sensor_msgs/msg/CameraInfo',
            *(header, 480, 640, model, np.zeros(0), k, np.eye(3).ravel(), p, 0, 0, region),
        )


@pytest.fixture
def flight(tmp_path, store):
    return Flight(tmp_path / 'flight', store)


def track(flight, *, notes=None, ground=GROUND, mount=None, **options):
    preset, names = options.pop('preset', ''), options.pop('names', TopicNames())
    settings = TelemetrySettings(
        preset=preset, names=names, world_frame=options.pop('world_frame', '')
    )
    with flight.bag() as reader:
        found = read_track(
            reader,
            image_topic=IMAGE,
            ground=ground,
            mount=mount,
            settings=settings,
            notes=notes,
            **options,
        )
        if 'images' in options:  # another clock is only known of a recording
            return found
        live = live_camera(
            reader, settings, ground=ground, mount=mount, frame_id=options.get('frame_id', '')
        )
    return BothTracks(found, live)


def live_camera(reader, settings, *, ground, mount, frame_id):
    """Return the camera that the messages of a bag give when they arrive one by one."""
    chosen = choose_topics(
        reader.topics,
        bag='live',
        image_topic=IMAGE,
        preset=settings.preset,
        names=settings.names,
    )
    telemetry = LiveTelemetry(Uncertainty())
    camera = LiveCamera(
        telemetry,
        chosen,
        ground=ground,
        mount=mount,
        uncertainty=Uncertainty(),
        world_frame=settings.world_frame,
    )
    camera.frame_id = frame_id
    types = {topic.name: topic.type_name for topic in reader.topics}
    for raw in reader.messages(list(types)):
        message, kind = reader.deserialize(raw), types[raw.topic]
        if kind.endswith('TFMessage'):
            is_static = raw.topic.endswith('static')
            telemetry.add_transforms(raw.topic, message, is_static=is_static)
        elif kind.endswith('CameraInfo'):
            telemetry.add_lens(raw.topic, message)
        else:
            telemetry.add(raw.topic, message, received_ns=raw.log_time_ns)
    return camera


class BothTracks:
    """The track of a recording, and the live camera that has to agree with it at any stamp."""

    def __init__(self, recorded, live):
        self._recorded, self._live = recorded, live

    def __getattr__(self, name):
        return getattr(self._recorded, name)

    def at(self, stamp_ns, *, size_wh):
        try:
            found = self._recorded.at(stamp_ns, size_wh=size_wh)
        except GeoError as error:
            with pytest.raises(GeoError, match=re.escape(str(error)[:20])):
                self._live.at(stamp_ns)
            raise
        live = self._live.at(stamp_ns)
        np.testing.assert_allclose(live.rotation, found.rotation, atol=1e-9)
        np.testing.assert_allclose(
            [live.latitude_deg, live.longitude_deg, live.height_m],
            [found.latitude_deg, found.longitude_deg, found.height_m],
            atol=1e-9,
        )
        np.testing.assert_allclose(live.attitude_covariance, found.attitude_covariance)
        np.testing.assert_allclose(live.position_covariance, found.position_covariance)
        return found


def view(camera):
    """Return where the camera looks, and where the upper edge of the image points, in ENU."""
    return camera.rotation @ [0, 0, 1], camera.rotation @ [0, -1, 0]


def at(found, at_s):
    return found.at(START_NS + round(at_s * 1e9), size_wh=SIZE_WH)


def ned(yaw, pitch, roll=0.0):
    return Rotation.from_euler('ZYX', [yaw, pitch, roll], degrees=True)


def enu(yaw, pitch=0.0, roll=0.0):
    """Yaw counts from east to north, and pitch downwards, as REP 103 has it."""
    return Rotation.from_euler('ZYX', [yaw, pitch, roll], degrees=True)


def wxyz(rotation):
    return np.roll(rotation.as_quat(), 1).astype(np.float32)


def fly_mavros(flight, *, steps=6, gimbal=None, vehicle_yaw_enu=90.0):
    for step in range(steps):
        at_s = step * 0.2
        flight.fix('/uas1/mavros/global_position/global', at_s)
        flight.pose('/uas1/mavros/local_position/pose', at_s, enu(vehicle_yaw_enu))
        if gimbal:
            gimbal(at_s)


def test_mavros_without_a_gimbal_looks_straight_down_and_says_that_it_assumes_it(flight):
    fly_mavros(flight)
    notes = []
    camera = at(track(flight, notes=notes), 0.5)
    ahead, up = view(camera)
    np.testing.assert_allclose(ahead, [0, 0, -1], atol=1e-9)
    np.testing.assert_allclose(up, [0, 1, 0], atol=1e-9)  # the vehicle heads north
    assert camera.height_m == pytest.approx(40.0)
    assert np.degrees(np.sqrt(camera.attitude_covariance[0, 0])) > 9.9
    text = ' '.join(notes)
    assert '--telemetry mavros' in text and 'assumed to look straight down' in text
    assert 'position from /uas1/mavros/global_position/global' in text


def test_a_mount_that_is_given_counts_before_an_assumption(flight):
    fly_mavros(flight)
    notes = []
    camera = at(track(flight, notes=notes, mount=CameraMount.on_body(down_deg=0)), 0.5)
    np.testing.assert_allclose(view(camera)[0], [0, 1, 0], atol=1e-9)
    assert 'assumed' not in ' '.join(notes)


@pytest.mark.parametrize(
    ('flags', 'yaw', 'heading'),
    [(64, 30.0, 30.0), (16, 30.0, 30.0), (32, 30.0, 120.0), (0, 30.0, 120.0), (16 | 32, 0.0, 90)],
    ids=['earth', 'locked', 'vehicle', 'follows', 'locked, but told to be of the vehicle'],
)
def test_the_gimbal_of_mavros_has_the_yaw_that_its_flags_tell(flight, flags, yaw, heading):
    kind = 'mavros_msgs/msg/GimbalDeviceAttitudeStatus'

    def gimbal(at_s):
        q = flight.quaternion(ned(yaw, -60.0))
        message = flight.make(kind, flight.header(at_s), 1, flags, q, 0)
        flight.add('/uas1/mavros/gimbal_control/device/attitude_status', kind, at_s, message)

    fly_mavros(flight, gimbal=gimbal, vehicle_yaw_enu=0.0)  # heads east: 90 degrees
    ahead, _ = view(at(track(flight), 0.5))
    bearing = np.degrees(np.arctan2(ahead[0], ahead[1]))
    assert bearing == pytest.approx(heading, abs=1e-6)
    assert np.degrees(np.arcsin(ahead[2])) == pytest.approx(-60.0)


def test_the_mount_control_of_mavros_has_no_stamp_and_turns_with_the_vehicle(flight):
    def gimbal(at_s):
        q = flight.quaternion(ned(10.0, -80.0))
        topic, kind = '/uas1/mavros/mount_control/orientation', 'geometry_msgs/msg/Quaternion'
        flight.add(topic, kind, at_s, q)

    fly_mavros(flight, gimbal=gimbal, vehicle_yaw_enu=90.0)
    ahead, _ = view(at(track(flight), 0.5))
    assert np.degrees(np.arctan2(ahead[0], ahead[1])) == pytest.approx(10.0)


def test_gimbal_angles_that_are_all_zero_are_not_believed(flight):
    def gimbal(at_s):
        q = flight.quaternion(Rotation.identity())
        topic, kind = '/uas1/mavros/mount_control/orientation', 'geometry_msgs/msg/Quaternion'
        flight.add(topic, kind, at_s, q)

    fly_mavros(flight, gimbal=gimbal)
    notes = []
    ahead, _ = view(at(track(flight, notes=notes), 0.5))
    np.testing.assert_allclose(ahead, [0, 0, -1], atol=1e-9)
    assert 'all gimbal angles of /uas1/mavros/mount_control/orientation are zero' in ' '.join(
        notes
    )


def fly_px4(flight, *, steps=12, gimbal=True, clock_s=0.0, namespace='', delay_s=0.002):
    def stamp(at_s):
        return (START_NS + round((at_s - clock_s) * 1e9)) // 1000

    for step in range(steps):
        at_s = step * 0.2
        kind = 'px4_msgs/msg/VehicleGlobalPosition'
        message = flight.make(
            kind, stamp(at_s), 0, 47.0, 8.0, 395.0, 440.0, 0.0, 0, 0.5, 0.7, dead_reckoning=False
        )
        out = f'{namespace}/fmu/out'
        flight.add(f'{out}/vehicle_global_position', kind, at_s, message, delay_s=delay_s)
        kind = 'px4_msgs/msg/VehicleAttitude'
        q = wxyz(ned(90.0, -5.0, 3.0))
        message = flight.make(kind, stamp(at_s), 0, q, np.zeros(4, np.float32), 0)
        flight.add(f'{out}/vehicle_attitude', kind, at_s, message, delay_s=delay_s)
        kind = 'px4_msgs/msg/VehicleLocalPosition'
        message = flight.make(kind, stamp(at_s), True, -25.0)
        flight.add(f'{out}/vehicle_local_position_v1', kind, at_s, message, delay_s=delay_s)
        if gimbal:
            kind = 'px4_msgs/msg/GimbalDeviceAttitudeStatus'
            message = flight.make(kind, stamp(at_s), 1, 32, wxyz(ned(20.0, -45.0)), 0)
            topic = f'{out}/gimbal_device_attitude_status'
            flight.add(topic, kind, at_s, message, delay_s=delay_s)


def test_px4_is_turned_from_north_east_down_into_east_north_up(flight):
    fly_px4(flight, gimbal=False)
    found = track(flight, mount=CameraMount.on_body(down_deg=0))
    camera = at(found, 0.5)
    ahead, up = view(camera)
    # Heads east with the nose 5 degrees down and 3 degrees rolled to the right.
    assert np.degrees(np.arctan2(ahead[0], ahead[1])) == pytest.approx(90.0, abs=1e-4)
    assert np.degrees(np.arcsin(ahead[2])) == pytest.approx(-5.0, abs=1e-4)
    assert up[1] < 0  # leans to the right, which is south
    assert camera.height_m == pytest.approx(40.0)
    # eph is of both axes together.
    np.testing.assert_allclose(
        np.diag(camera.position_covariance), [0.125, 0.125, 0.49 + 0.25], rtol=1e-5
    )


def test_the_gimbal_of_px4_turns_with_the_vehicle(flight):
    fly_px4(flight, namespace='/drone_2')
    ahead, _ = view(at(track(flight, preset='px4'), 0.5))
    assert np.degrees(np.arctan2(ahead[0], ahead[1])) == pytest.approx(110.0, abs=1e-4)
    assert np.degrees(np.arcsin(ahead[2])) == pytest.approx(-45.0, abs=1e-4)


def test_the_height_of_px4_above_take_off_comes_from_its_local_position(flight):
    fly_px4(flight)
    camera = at(track(flight, ground=Ground(map_z_m=5.0)), 0.5)
    assert camera.height_m == pytest.approx(20.0)


def test_an_autopilot_whose_clock_began_at_its_start_is_shifted_to_the_images(flight):
    fly_px4(flight, clock_s=START_NS / 1e9 - 100.0)
    images, notes = MessageClock(), []
    for step in range(12):
        image_ns = START_NS + step * 200_000_000
        images.add(image_ns, image_ns + 10_000_000)
    found = track(flight, images=images, notes=notes)
    assert at(found, 0.5).height_m == pytest.approx(40.0)
    assert 'behind that of the images, as their times of reception show' in ' '.join(notes)
    assert found.time_sigma_s > 0.02


def test_clocks_that_agree_are_left_alone(flight):
    fly_px4(flight)
    images, notes = MessageClock(), []
    for step in range(12):
        image_ns = START_NS + step * 200_000_000
        images.add(image_ns, image_ns + 150_000_000)  # an image travels longer than an attitude
    track(flight, images=images, notes=notes)
    assert 'The clock of' not in ' '.join(notes)


def test_stamps_of_reception_are_told_by_how_they_vary():
    rng = np.random.default_rng(1)
    arrived = np.arange(100) * 20_000_000 + rng.normal(0, 5_000_000, 100).astype(int)
    at_reception, by_sensor = MessageClock(), MessageClock()
    for step, arrival_ns in enumerate(np.sort(arrived).tolist()):
        at_reception.add(arrival_ns, arrival_ns + 100_000)
        by_sensor.add(step * 20_000_000, arrival_ns)
    assert at_reception.reception_jitter_s() == pytest.approx(0.007, abs=0.003)
    assert by_sensor.reception_jitter_s() is None


def test_psdk_is_read_in_the_axes_of_rep_103(flight):
    for step in range(6):
        at_s = step * 0.2
        flight.fix('/wrapper/psdk_ros2/gps_position_fused', at_s)
        kind = 'geometry_msgs/msg/QuaternionStamped'
        message = flight.make(kind, flight.header(at_s), flight.quaternion(enu(0.0)))
        flight.add('/wrapper/psdk_ros2/attitude', kind, at_s, message)
        kind = 'geometry_msgs/msg/Vector3Stamped'
        angles = flight.make('geometry_msgs/msg/Vector3', 0.0, np.radians(70), np.radians(90))
        message = flight.make(kind, flight.header(at_s), angles)
        flight.add('/wrapper/psdk_ros2/gimbal_angles', kind, at_s, message)
    notes = []
    found = track(flight, notes=notes)
    ahead, _ = view(at(found, 0.5))
    np.testing.assert_allclose(
        ahead, [0, np.cos(np.radians(70)), -np.sin(np.radians(70))], atol=1e-9
    )
    assert 'are those of its reception' in ' '.join(notes)
    assert found.time_sigma_s >= 0.05


def test_a_preset_that_a_bag_does_not_hold_says_what_there_is(flight):
    fly_mavros(flight)
    with pytest.raises(TelemetryError, match=r'no fix of px4 \(fmu/out/.*it holds .*mavros'):
        track(flight, preset='px4')


def test_an_unknown_preset_names_those_that_there_are(flight):
    with pytest.raises(TelemetryError, match='there are: mavros, px4, psdk, tf, ros'):
        track(flight, preset='dji')


def test_each_topic_of_a_preset_can_be_another_one(flight):
    fly_mavros(flight)
    for step in range(6):
        flight.fix('/rtk/fix', step * 0.2, altitude=470.0)
    found = track(flight, preset='mavros', names=TopicNames(fix='/rtk/fix'))
    assert at(found, 0.5).height_m == pytest.approx(70.0)


OPTICAL_DOWN = Rotation.from_matrix(CameraMount.on_body().rotation)


def fly_transforms(flight, *, world='map', until_s=1.0, gap=()):
    """Turn from east to north within a second, at 10 Hz; the camera looks down from an arm."""
    static = {'topic': '/tf_static'}
    flight.transform(0.0, 'base_link', 'arm', shift=(0.5, 0.0, -0.1), **static)
    flight.transform(0.0, 'arm', 'eo_optical', rotation=OPTICAL_DOWN, **static)
    flight.transform(0.0, 'base_link', 'gps', shift=(-0.5, 0.0, 0.2), **static)
    for step in range(11):
        at_s = step * until_s / 10
        if step not in gap:
            turn = enu(90.0 * step / 10)
            flight.transform(at_s, world, 'base_link', rotation=turn, shift=(0, 0, 30.0))
    for step in range(11):
        flight.fix('/gps/fix', step * 0.1, frame_id='gps')


def test_transforms_are_interpolated_at_the_stamp_of_the_image(flight):
    fly_transforms(flight)
    notes = []
    found = track(flight, frame_id='eo_optical', notes=notes)
    camera = at(found, 0.45)
    ahead, up = view(camera)
    np.testing.assert_allclose(ahead, [0, 0, -1], atol=1e-9)
    bearing = np.radians(90 - 0.45 * 90)
    np.testing.assert_allclose(up, [np.sin(bearing), np.cos(bearing), 0], atol=1e-6)
    # The camera is 1 m before the antenna and 0.3 m below it.
    east, north, up_m = LocalTangentPlane(47.0, 8.0, 440.0).to_enu(
        [camera.latitude_deg, camera.longitude_deg, camera.altitude_m]
    )
    np.testing.assert_allclose(
        [east, north, up_m], [np.sin(bearing), np.cos(bearing), -0.3], atol=1e-6
    )
    assert 'eo_optical -> arm -> base_link -> map' in ' '.join(notes)


def test_the_z_of_transforms_is_that_of_the_camera_in_the_map(flight):
    fly_transforms(flight)
    found = track(flight, frame_id='eo_optical', ground=Ground(map_z_m=10.0))
    assert at(found, 0.5).height_m == pytest.approx(19.9)


def test_a_gap_in_a_transform_names_the_transform(flight):
    fly_transforms(flight, until_s=8.0, gap=(3, 4, 5, 6))
    for step in range(11):
        flight.fix('/gps/fix', step * 0.8, frame_id='gps')
    found = track(flight, frame_id='eo_optical')
    with pytest.raises(GeoError, match=r'no transform map -> base_link for 4\.0 s around'):
        at(found, 4.0)


def test_odom_counts_where_there_is_no_map(flight):
    fly_transforms(flight, world='odom')
    notes = []
    track(flight, frame_id='eo_optical', notes=notes)
    assert 'x of odom is taken as east' in ' '.join(notes)


def test_a_frame_that_is_not_connected_says_how_far_it_leads(flight):
    fly_transforms(flight, world='local_origin')
    with pytest.raises(TelemetryError, match='to map or odom; it leads only to local_origin'):
        track(flight, frame_id='eo_optical')


def test_any_frame_can_be_that_of_east_north_up(flight):
    fly_transforms(flight, world='local_origin')
    found = track(flight, frame_id='eo_optical', world_frame='local_origin')
    assert at(found, 0.5).height_m > 0


def test_a_frame_that_does_not_exist_is_named_with_those_that_do(flight):
    fly_transforms(flight)
    with pytest.raises(TelemetryError, match="no frame 'earth'; it has arm, base_link"):
        track(flight, frame_id='eo_optical', world_frame='earth')


def test_a_loop_of_transforms_is_refused(flight):
    fly_transforms(flight)
    flight.transform(0.0, 'eo_optical', 'map')
    with pytest.raises(TelemetryError, match='goes round in a loop: eo_optical -> arm'):
        track(flight, frame_id='eo_optical', preset='tf', world_frame='map')


def test_a_frame_with_two_parents_is_refused(flight):
    fly_transforms(flight)
    flight.transform(0.5, 'chassis', 'base_link')
    with pytest.raises(TelemetryError, match='two parents for base_link: map and chassis'):
        track(flight, frame_id='eo_optical', preset='tf', world_frame='map')


def test_static_transforms_are_the_mount_of_a_camera_on_a_vehicle(flight):
    flight.transform(0.0, 'base_link', 'eo_optical', rotation=OPTICAL_DOWN, topic='/tf_static')
    fly_mavros(flight)
    notes = []
    camera = at(track(flight, frame_id='eo_optical', notes=notes), 0.5)
    np.testing.assert_allclose(view(camera)[0], [0, 0, -1], atol=1e-9)
    assert np.degrees(np.sqrt(camera.attitude_covariance[0, 0])) < 2
    assert 'The mount of the camera is that of /tf_static (eo_optical -> base_link)' in ' '.join(
        notes
    )


def fly_psdk(flight, angles, *, steps=6, turn_deg=60.0):
    """Fly a turn to the left from north, with roll, pitch, yaw of the gimbal in degrees."""
    for step in range(steps):
        at_s = step / 5
        flight.fix('/psdk_ros2/gps_position_fused', at_s)
        kind = 'geometry_msgs/msg/QuaternionStamped'
        heading = flight.quaternion(enu(90.0 + turn_deg * at_s))
        message = flight.make(kind, flight.header(at_s), heading)
        flight.add('/psdk_ros2/attitude', kind, at_s, message)
        kind = 'geometry_msgs/msg/Vector3Stamped'
        told = angles(at_s) if callable(angles) else angles
        vector = flight.make('geometry_msgs/msg/Vector3', *np.radians(told))
        message = flight.make(kind, flight.header(at_s), vector)
        flight.add('/psdk_ros2/gimbal_angles', kind, at_s, message)


def ahead_deg(found, at_s):
    """Return where the camera looks, counter-clockwise from east."""
    ahead, _ = view(at(found, at_s))
    return np.degrees(np.arctan2(ahead[1], ahead[0]))


@pytest.mark.parametrize(
    ('yaw', 'reason'),
    [
        (0.0, 'the yaw of the gimbal is 0 degrees all the time, while the aircraft turns'),
        (np.nan, '6 messages of /psdk_ros2/gimbal_angles have no yaw'),
    ],
    ids=['constant', 'missing'],
)
def test_a_gimbal_without_a_yaw_of_its_own_has_that_of_the_vehicle(flight, yaw, reason):
    fly_psdk(flight, (0.0, 60.0, yaw))
    notes = []
    found = track(flight, notes=notes)
    assert ahead_deg(found, 0.2) == pytest.approx(102.0)
    assert ahead_deg(found, 0.8) == pytest.approx(138.0)
    assert reason in ' '.join(notes)


def test_a_gimbal_that_is_locked_to_a_heading_is_used_and_named(flight):
    fly_psdk(flight, (0.0, 60.0, 40.0))
    notes = []
    assert ahead_deg(track(flight, notes=notes), 0.8) == pytest.approx(40.0)
    assert 'as of a gimbal that is locked' in ' '.join(notes)


def test_a_yaw_of_zero_is_right_where_the_vehicle_does_not_turn(flight):
    fly_psdk(flight, (0.0, 60.0, 0.0), turn_deg=0.0)
    notes = []
    assert ahead_deg(track(flight, notes=notes), 0.8) == pytest.approx(0.0, abs=1e-6)
    assert 'yaw of the gimbal' not in ' '.join(notes)


def test_a_roll_of_180_that_looks_backwards_is_taken_as_zero(flight):
    fly_psdk(flight, lambda at_s: (180.0, 89.9, 90.0 + 60.0 * at_s))
    notes = []
    _, up = view(at(track(flight, notes=notes), 0.2))
    assert np.degrees(np.arctan2(up[1], up[0])) == pytest.approx(102.0, abs=0.5)
    assert 'a roll of 180 degrees contradicts the heading' in ' '.join(notes)


def test_a_roll_of_180_that_agrees_with_the_heading_stays(flight):
    fly_psdk(flight, lambda at_s: (180.0, 89.9, 270.0 + 60.0 * at_s))
    notes = []
    _, up = view(at(track(flight, notes=notes), 0.2))
    assert np.degrees(np.arctan2(up[1], up[0])) == pytest.approx(102.0, abs=0.5)
    assert 'roll of 180' not in ' '.join(notes)


@pytest.mark.parametrize('altitude', [440.0, 470.0], ids=['restarts', 'climbs'])
def test_a_height_that_starts_again_within_a_bag_is_named(flight, altitude):
    for step in range(6):
        z, up = (30.0, 440.0) if step < 3 else (60.0, altitude)
        flight.fix('/mavros/global_position/global', step / 5, altitude=up)
        flight.pose('/mavros/local_position/pose', step / 5, enu(90.0), z=z)
    notes = []
    track(flight, notes=notes, ground=Ground(map_z_m=0.0))
    is_named = 'take-off point jumps by 30 m at 1 s' in ' '.join(notes)
    assert is_named == (altitude == 440.0)
