# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The camera node as a process of its own, heard over DDS."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rcl_interfaces.msg import Log, Parameter, ParameterEvent, ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, ListParameters, SetParameters
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, NavSatFix

from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.writer import BagWriter

MODULE = 'roof_detector.ros.camera.camera_node'
TOPICS = {
    'image': ('/camera/image', Image),
    'compressed': ('/camera/image/compressed', CompressedImage),
    'camera_info': ('/camera/camera_info', CameraInfo),
    'fix': ('/camera/fix', NavSatFix),
}
BEGIN_NS = 1_700_000_000_000_000_000


class Ear:
    """Keep all that a camera says."""

    def __init__(self, graph, *roles):
        self.node = graph.node('ear')
        self.heard = {role: [] for role in roles}
        self.status = None
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._diagnose, 10)
        # A camera hears of readers in the order in which they began, and waits for that of images.
        for role in sorted(roles, key=list(TOPICS).index, reverse=True):
            topic, kind = TOPICS[role]
            qos = QoSProfile(depth=200)
            self.node.create_subscription(kind, topic, self.heard[role].append, qos)

    def _diagnose(self, message):
        (self.status,) = message.status

    def value(self, key):
        if self.status is None:
            return None
        return next(pair.value for pair in self.status.values if pair.key == key)

    def level(self):
        return None if self.status is None else self.status.level

    def stamps(self, role):
        return [stamp_ns(message.header) for message in self.heard[role]]


def stamp_ns(header):
    return header.stamp.sec * 10**9 + header.stamp.nanosec


def pixels(message):
    return np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)


def start(graph, **parameters):
    # A reader that hears of the camera late is sent what it has missed.
    parameters = {'queue_depth': 100, **parameters}
    options = [part for name, value in parameters.items() for part in ('-p', f'{name}:={value}')]
    return graph.start(MODULE, '--ros-args', *options)


def ended(graph, process, *, within_s=60):
    """Spin until the process ends by itself; return its exit code and output."""
    graph.wait_until(
        lambda: process.poll() is not None, within_s=within_s, what='the end of the camera node'
    )
    graph.hear_out()
    return graph.stop(process)


def write_bag(path, *messages):
    """Write (topic, type, values, stamp) with a header each."""
    with BagWriter(path) as writer:
        known = set()
        for topic, kind, values, stamp in messages:
            if topic not in known:
                writer.add_topic(topic, kind)
                known.add(topic)
            time = {'sec': stamp // 10**9, 'nanosec': stamp % 10**9}
            header = {'stamp': time, 'frame_id': 'lens'}
            data = message_bytes(kind, {'header': header, **values})
            writer.write(topic, data, log_time_ns=stamp + 1_000_000)
    return path


def test_without_a_source_it_says_what_it_needs_and_ends_with_1(graph):
    code, output = ended(graph, start(graph))
    assert code == 1
    assert 'No input was named; give a camera (0, /dev/video0)' in output
    assert 'Traceback' not in output


def test_every_frame_of_a_video_arrives_raw_and_compressed_under_one_stamp(
    graph, tmp_path, numbered_images
):
    video = numbered_images.write_video(tmp_path / 'v.avi', frames=25, rate_hz=20.0)
    ear = Ear(graph, 'image', 'compressed', 'camera_info')
    process = start(
        graph, source=video, transport='both', wait_for_subscribers=1, wait_for_all_topics=True
    )
    code, output = ended(graph, process)
    assert code == 0, output
    assert 'Published 25 frames of' in output
    graph.wait_until(lambda: ear.value('state') == 'ended', what='the last report')
    assert ear.value('frames_published') == '25'
    images, jpegs, infos = (ear.heard[role] for role in ('image', 'compressed', 'camera_info'))
    assert [numbered_images.number(pixels(image)) for image in images] == list(range(25))
    decoded = [cv2.imdecode(np.frombuffer(j.data, np.uint8), cv2.IMREAD_COLOR) for j in jpegs]
    assert [numbered_images.number(image) for image in decoded] == list(range(25))
    assert ear.stamps('image') == ear.stamps('compressed') == ear.stamps('camera_info')
    assert {message.header.frame_id for message in images + jpegs + infos} == {
        'camera_optical_frame'
    }
    assert {(i.width, i.height, i.step, i.encoding) for i in images} == {(64, 48, 192, 'bgr8')}
    assert {(i.width, i.height, i.k[0]) for i in infos} == {(64, 48, 0.0)}  # uncalibrated
    # 24 intervals of 50 ms are not sent at once, unless the first one was late itself.
    late = int(re.search(r'; (\d+) were late', output)[1])
    took_s = (ear.stamps('image')[-1] - ear.stamps('image')[0]) / 1e9
    assert took_s > 1.0 or late >= 3, (took_s, late)


def test_source_stamps_are_the_time_in_the_video_and_only_the_transport_asked_for_exists(
    graph, tmp_path, numbered_images
):
    video = numbered_images.write_video(tmp_path / 'v.avi', frames=6, rate_hz=20.0)
    ear = Ear(graph, 'image')
    process = start(
        graph, source=video, stamp='source', rate_hz=100.0, wait_for_subscribers=1, at_end='idle'
    )
    graph.wait_until(lambda: ear.value('state') == 'ended', what='the end of the video')
    graph.hear_out()
    assert ear.stamps('image') == [k * 50_000_000 for k in range(6)]
    assert ear.value('frames_published') == '6'
    assert ear.status.message.startswith('All 6 frames are published.')
    assert ear.node.get_publishers_info_by_topic('/camera/image/compressed') == []
    assert process.poll() is None, 'at_end is idle'
    code, output = graph.stop(process)
    assert code == 0, output


def test_frames_are_sent_all_the_same_when_nobody_comes_to_listen(
    graph, tmp_path, numbered_images
):
    video = numbered_images.write_video(tmp_path / 'v.avi', frames=3)
    process = start(graph, source=video, wait_for_subscribers=1, wait_timeout_s=0.3)
    code, output = ended(graph, process)
    assert code == 0
    assert '0 of 1 nodes subscribe to the images after 0.3 s' in output
    assert 'Published 3 frames' in output


def test_damaged_images_of_a_folder_are_counted_and_the_others_published(
    graph, tmp_path, numbered_images
):
    numbered_images.write_images(tmp_path, numbers=range(5), suffix='.jpg')
    (tmp_path / 'frame_2.jpg').write_bytes(b'\xff\xd8\xff\xe0 cut')
    ear = Ear(graph, 'image')
    process = start(graph, source=tmp_path, rate_hz=20.0, wait_for_subscribers=1)
    code, output = ended(graph, process)
    assert code == 0
    assert [numbered_images.number(pixels(image)) for image in ear.heard['image']] == [0, 1, 3, 4]
    assert 'frame_2.jpg cannot be read' in output
    assert '1 could not be read' in output


def test_a_bag_goes_out_as_it_was_recorded_but_for_the_stamps(graph, tmp_path, numbered_images):
    stamps = [BEGIN_NS + k * 50_000_000 for k in range(8)]
    messages = []
    for k, stamp in enumerate(stamps):
        rgb = np.full((4, 6, 3), (k, 100, 200), np.uint8)
        layout = {'height': 4, 'width': 6, 'encoding': 'rgb8', 'step': 20, 'is_bigendian': 0}
        padded = np.zeros((4, 20), np.uint8)
        padded[:, :18] = rgb.reshape(4, 18)
        image = {**layout, 'data': padded.tobytes()}
        messages.append(('/drone/image', 'sensor_msgs/msg/Image', image, stamp))
        position = {'latitude': 40.0 + k}
        messages.append(('/drone/fix', 'sensor_msgs/msg/NavSatFix', position, stamp))
        between = {'latitude': -1.0}
        messages.append(('/drone/fix', 'sensor_msgs/msg/NavSatFix', between, stamp + 10_000_000))
    bag = write_bag(tmp_path / 'bag', *messages)
    ear = Ear(graph, 'image', 'fix')
    code, output = ended(graph, start(graph, source=bag, wait_for_subscribers=1))
    assert code == 0, output
    images = ear.heard['image']
    assert [pixels(image)[0, 0] for image in images] == list(range(8))
    assert {(i.encoding, i.step, i.header.frame_id) for i in images} == {('rgb8', 20, 'lens')}
    by_stamp = {stamp_ns(fix.header): fix.latitude for fix in ear.heard['fix']}
    assert len(by_stamp) == 16
    assert [by_stamp[stamp] for stamp in ear.stamps('image')] == [40.0 + k for k in range(8)]
    assert min(ear.stamps('image')) > BEGIN_NS + 10**15, 'stamped when published'


def test_a_bag_keeps_its_stamps_on_request_and_is_decoded_for_another_transport(
    graph, tmp_path, numbered_images
):
    stamps = [BEGIN_NS + k * 20_000_000 for k in range(6)]
    messages = []
    for k, stamp in enumerate(stamps):
        jpeg = cv2.imencode('.jpg', numbered_images.image(k))[1].tobytes()
        values = {'format': 'jpeg', 'data': jpeg[:100] if k == 3 else jpeg}
        messages.append(('/cam/compressed', 'sensor_msgs/msg/CompressedImage', values, stamp))
    bag = write_bag(tmp_path / 'bag', *messages)
    ear = Ear(graph, 'image', 'camera_info')
    process = start(graph, source=bag, stamp='source', transport='raw', wait_for_subscribers=1)
    code, output = ended(graph, process)
    assert code == 0, output
    assert [numbered_images.number(pixels(image)) for image in ear.heard['image']] == [
        0,
        1,
        2,
        4,
        5,
    ]
    assert ear.stamps('image') == stamps[:3] + stamps[4:]
    assert {image.header.frame_id for image in ear.heard['image']} == {'lens'}
    assert 'cut short' in output
    assert '1 could not be read' in output
    assert ear.heard['camera_info'] == [], 'the bag has none'


CALIBRATION = """
image_width: 64
image_height: 48
camera_name: roof
camera_matrix: {rows: 3, cols: 3, data: [50, 0, 31.5, 0, 50, 23.5, 0, 0, 1]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [0.1, -0.2, 0, 0, 0]}
rectification_matrix: {rows: 3, cols: 3, data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
projection_matrix: {rows: 3, cols: 4, data: [50, 0, 31.5, 0, 0, 50, 23.5, 0, 0, 0, 1, 0]}
"""


def test_a_calibration_is_published_for_frames_of_its_size_only(graph, tmp_path, numbered_images):
    images = numbered_images.write_images(tmp_path / 'images', numbers=range(3))
    cv2.imwrite(str(images / 'frame_9.png'), np.zeros((10, 20, 3), np.uint8))
    (tmp_path / 'camera.yaml').write_text(CALIBRATION)
    ear = Ear(graph, 'image', 'camera_info')
    process = start(
        graph,
        source=images,
        rate_hz=20.0,
        calibration=tmp_path / 'camera.yaml',
        frame_id='lens',
        wait_for_subscribers=1,
    )
    code, output = ended(graph, process)
    assert code == 0, output
    infos = ear.heard['camera_info']
    assert ear.stamps('camera_info') == ear.stamps('image')[:3]
    assert {(i.k[0], i.d[1], i.p[6], i.header.frame_id) for i in infos} == {
        (50.0, -0.2, 23.5, 'lens')
    }
    assert 'The calibration is for 64x48 pixels but the frames have 20x10' in output


@pytest.mark.parametrize('content', [None, 'image_width: 64\n', '- a list\n', '{'])
def test_a_calibration_that_is_missing_or_of_another_kind_is_refused(tmp_path, content):
    from roof_detector.ros.camera.camera_messages import read_calibration
    from roof_detector.ros.common.errors import RosError

    if content is not None:
        (tmp_path / 'camera.yaml').write_text(content)
    with pytest.raises(RosError, match=r'The calibration .*camera\.yaml (cannot be read|is not)'):
        read_calibration(tmp_path / 'camera.yaml')


def test_a_camera_that_vanishes_is_reported_and_found_again(graph, streaming_camera):
    ear = Ear(graph, 'image')
    process = start(graph, source=streaming_camera.url)
    graph.wait_until(lambda: len(ear.heard['image']) > 5, what='the stream')
    graph.wait_until(lambda: ear.level() == DiagnosticStatus.OK, what='a good report')
    streaming_camera.switch_off()
    graph.wait_until(
        lambda: ear.level() == DiagnosticStatus.ERROR and 'Trying again in' in ear.status.message,
        what='a report of the loss',
    )
    assert ear.value('connected') == 'False'
    streaming_camera.switch_on()
    before = len(ear.heard['image'])
    graph.wait_until(lambda: len(ear.heard['image']) > before + 5, what='the stream again')
    graph.wait_until(lambda: ear.level() == DiagnosticStatus.OK, what='a good report again')
    assert int(ear.value('reconnects')) >= 1  # more where this server stood still
    stamps = ear.stamps('image')
    assert stamps == sorted(set(stamps))
    code, output = graph.stop(process)
    assert code == 0, output
    assert 'delivers images again' in output
    assert 'secret' not in output


@pytest.mark.parametrize('given_as', ['source', 'credentials_file'])
def test_the_password_of_a_camera_is_on_no_channel_that_others_read(
    graph, streaming_camera, tmp_path, given_as
):
    said = []
    ear = Ear(graph, 'image')
    listener = graph.node('listener')
    for kind, topic in (
        (ParameterEvent, '/parameter_events'),
        (Log, '/rosout'),
        (DiagnosticArray, '/diagnostics'),
    ):
        listener.create_subscription(kind, topic, said.append, 100)
    given = {'source': streaming_camera.url}
    if given_as == 'credentials_file':
        secret = tmp_path / 'credentials'
        secret.touch(mode=0o600)
        secret.write_text('user:secret\n')
        plain = streaming_camera.url.replace('user:secret@', '')
        given = {'source': plain, 'credentials_file': secret}
    process = start(graph, **given)
    graph.wait_until(lambda: len(ear.heard['image']) > 2, what='the stream')
    assert 'Basic dXNlcjpzZWNyZXQ=' in streaming_camera.authorizations  # the camera itself got it
    listed = graph.call(
        ear.node, ListParameters, '/camera/list_parameters', ListParameters.Request()
    ).result.names
    values = graph.call(
        ear.node, GetParameters, '/camera/get_parameters', GetParameters.Request(names=listed)
    )
    graph.wait_until(lambda: ear.level() == DiagnosticStatus.OK and said, what='a good report')
    code, output = graph.stop(process)
    assert 'source' in listed and code == 0, output
    assert 'secret' not in f'{values}{said}{output}'
    assert ('credentials_file' in output) == (given_as == 'source')  # the way out is told


def test_a_camera_that_is_absent_is_waited_for(graph):
    ear = Ear(graph, 'image')
    process = start(graph, source='/dev/video63')
    absent = 'There is no camera at /dev/video63'
    graph.wait_until(
        lambda: ear.level() == DiagnosticStatus.ERROR and absent in ear.status.message,
        what='a report',
    )
    code, output = graph.stop(process)
    assert code == 0, output
    assert absent in output


def test_quality_changes_in_flight_and_an_interrupt_ends_a_loop_in_order(
    graph, tmp_path, numbered_images
):
    rng = np.random.default_rng(1)
    image = rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'noise.png'), image)
    ear = Ear(graph, 'compressed')
    jpegs = ear.heard['compressed']
    process = start(graph, source=tmp_path, rate_hz=30.0, loop=True, transport='compressed')
    graph.wait_until(lambda: len(jpegs) > 3, what='the loop')

    def set_quality(value):
        content = ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=value)
        request = SetParameters.Request(parameters=[Parameter(name='jpeg_quality', value=content)])
        service = '/camera/set_parameters'
        (result,) = graph.call(ear.node, SetParameters, service, request).results
        return result

    large = len(jpegs[-1].data)
    assert not set_quality(0).successful
    assert set_quality(10).successful
    graph.wait_until(lambda: len(jpegs[-1].data) < large / 2, what='smaller images')
    code, output = graph.stop(process)
    assert code == 0, output
    assert 'Traceback' not in output
