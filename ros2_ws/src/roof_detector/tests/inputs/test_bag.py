# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from itertools import islice

import cv2
import numpy as np
import pytest
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.typesys import Stores, get_typestore

from roof_detector.bags.typestore import shared_typestore
from roof_detector.bags.writer import BagWriter
from roof_detector.inputs.bag import BagInput
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.recorded_header import stamp_ns, with_stamp_ns

STORE = shared_typestore()
T = STORE.types
BEGIN_NS = 1_700_000_000_000_000_000
PERIOD_NS = 100_000_000


def header(stamp, frame_id='lens', *, types=T):
    seconds, nanoseconds = divmod(stamp, 10**9)
    time = types['builtin_interfaces/msg/Time'](sec=seconds, nanosec=nanoseconds)
    if types is T:
        return types['std_msgs/msg/Header'](stamp=time, frame_id=frame_id)
    return types['std_msgs/msg/Header'](seq=0, stamp=time, frame_id=frame_id)


def raw(image, stamp, *, encoding='bgr8', types=T):
    return types['sensor_msgs/msg/Image'](
        header=header(stamp, types=types),
        height=image.shape[0],
        width=image.shape[1],
        encoding=encoding,
        is_bigendian=0,
        step=image.strides[0],
        data=image.reshape(-1).view(np.uint8),
    )


def compressed(jpeg, stamp):
    return T['sensor_msgs/msg/CompressedImage'](
        header=header(stamp), format='jpeg', data=np.frombuffer(jpeg, np.uint8)
    )


def fix(latitude, stamp):
    return T['sensor_msgs/msg/NavSatFix'](
        header=header(stamp, 'gps'),
        status=T['sensor_msgs/msg/NavSatStatus'](status=0, service=1),
        latitude=latitude,
        longitude=8.0,
        altitude=500.0,
        position_covariance=np.zeros(9),
        position_covariance_type=0,
    )


def write_bag(path, *messages):
    """Write (topic, message, log time) to a bag."""
    with BagWriter(path) as writer:
        known = set()
        for topic, message, log_ns in messages:
            if topic not in known:
                writer.add_topic(topic, message.__msgtype__)
                known.add(topic)
            data = bytes(STORE.serialize_cdr(message, message.__msgtype__))
            writer.write(topic, data, log_time_ns=log_ns)
    return path


def flight(numbered_images, *, count, late_ns=0, topic='/camera/image'):
    """Return images of one topic, each received `late_ns` after its stamp."""
    stamps = [BEGIN_NS + k * PERIOD_NS for k in range(count)]
    return [(topic, raw(numbered_images.image(k), s), s + late_ns) for k, s in enumerate(stamps)]


def test_a_bag_without_messages_is_refused(tmp_path):
    with pytest.raises(InputError, match='It holds no messages at all'):
        BagInput(write_bag(tmp_path / 'bag'))


def test_a_bag_without_images_is_refused_and_its_topics_are_listed(tmp_path):
    path = write_bag(tmp_path / 'bag', ('/gps/fix', fix(47.0, BEGIN_NS), BEGIN_NS))
    with pytest.raises(InputError, match=r'no images.*/gps/fix \(sensor_msgs/msg/NavSatFix, 1'):
        BagInput(path)


def test_a_missing_bag_and_a_damaged_one_are_source_errors(tmp_path):
    with pytest.raises(InputError, match='There is no bag'):
        BagInput(tmp_path / 'gone.mcap')
    (tmp_path / 'odd.db3').write_bytes(b'this is no database')
    with pytest.raises(InputError, match=r'odd\.db3'):
        BagInput(tmp_path / 'odd.db3')


def test_images_come_once_in_order_with_their_stamps_and_at_the_pace_of_the_recording(
    tmp_path, numbered_images
):
    path = write_bag(tmp_path / 'bag', *flight(numbered_images, count=7, late_ns=3_000_000))
    with BagInput(path) as source:
        assert source.frame_count == 7
        assert source.rate_hz == pytest.approx(10.0)
        assert source.topic == '/camera/image'
        frames = list(source)
        assert [numbered_images.number(frame.image_bgr) for frame in frames] == list(range(7))
    assert [frame.stamp_ns for frame in frames] == [BEGIN_NS + k * PERIOD_NS for k in range(7)]
    assert [frame.due_ns for frame in frames] == [k * PERIOD_NS for k in range(7)]


def test_a_lone_mcap_file_is_read_as_well(tmp_path, numbered_images):
    path = write_bag(tmp_path / 'bag', *flight(numbered_images, count=3))
    assert len(list(BagInput(path / 'bag_0.mcap'))) == 3


def test_a_bag_that_was_cut_off_yields_its_beginning_and_a_warning(tmp_path, numbered_images):
    path = write_bag(tmp_path / 'bag', *flight(numbered_images, count=5)) / 'bag_0.mcap'
    path.write_bytes(path.read_bytes()[:-20])
    with BagInput(path) as source:
        assert len(list(source)) == 5
        assert 'was cut off' in source.health().warning


def test_a_given_rate_replaces_the_pace_of_the_recording_but_not_the_stamps(
    tmp_path, numbered_images
):
    path = write_bag(tmp_path / 'bag', *flight(numbered_images, count=4))
    frames = list(BagInput(path, rate_hz=50.0))
    assert [frame.due_ns for frame in frames] == [k * 20_000_000 for k in range(4)]
    assert [frame.stamp_ns for frame in frames] == [BEGIN_NS + k * PERIOD_NS for k in range(4)]


def test_a_looped_bag_begins_again_and_its_stamps_go_on(tmp_path, numbered_images):
    path = write_bag(tmp_path / 'bag', *flight(numbered_images, count=3))
    with BagInput(path, loop=True) as source:
        frames = list(islice(source, 8))
        assert [numbered_images.number(f.image_bgr) for f in frames] == [0, 1, 2, 0, 1, 2, 0, 1]
    assert [frame.due_ns for frame in frames] == [k * PERIOD_NS for k in range(8)]
    assert [frame.stamp_ns for frame in frames] == [BEGIN_NS + k * PERIOD_NS for k in range(8)]


@pytest.mark.parametrize('order', ['before', 'after'])
def test_messages_with_the_stamp_of_an_image_come_with_that_image(
    tmp_path, numbered_images, order
):
    messages = []
    for k, image in enumerate(flight(numbered_images, count=4)):
        position = ('/camera/fix', fix(40.0 + k, image[2]), image[2])
        messages += [position, image] if order == 'before' else [image, position]
    with BagInput(write_bag(tmp_path / 'bag', *messages)) as source:
        assert source.companion_roles == {'fix'}
        frames = list(source)
    for k, frame in enumerate(frames):
        (companion,) = frame.companions
        assert companion.role == 'fix'
        message = STORE.deserialize_cdr(companion.message.data, companion.message.type_name)
        assert message.latitude == 40.0 + k


def test_a_fast_companion_is_never_lost(tmp_path, numbered_images):
    images = flight(numbered_images, count=3)
    stamps = [BEGIN_NS - PERIOD_NS + k * 10_000_000 for k in range(60)]
    fixes = [('/gps/fix', fix(float(k), stamp), stamp) for k, stamp in enumerate(stamps)]
    merged = sorted([*images, *fixes], key=lambda message: message[2])
    frames = list(BagInput(write_bag(tmp_path / 'bag', *merged)))
    seen = [stamp_ns(c.message.data) for frame in frames for c in frame.companions]
    assert seen == stamps


def test_of_several_companions_the_nearest_by_name_is_taken(tmp_path, numbered_images):
    messages = [
        ('/base/fix', fix(1.0, BEGIN_NS), BEGIN_NS),
        ('/drone/camera/fix', fix(2.0, BEGIN_NS), BEGIN_NS),
        *flight(numbered_images, count=1, topic='/drone/camera/image'),
    ]
    with BagInput(write_bag(tmp_path / 'bag', *messages)) as source:
        (frame,) = source
    assert [c.message.topic for c in frame.companions] == ['/drone/camera/fix']


def test_one_of_several_image_topics_is_named(tmp_path, numbered_images):
    path = write_bag(
        tmp_path / 'bag',
        *flight(numbered_images, count=2, topic='/left/image'),
        *flight(numbered_images, count=3, topic='/right/image'),
    )
    with pytest.raises(InputError, match=r'/left/image, /right/image.*name one of them'):
        BagInput(path)
    with pytest.raises(InputError, match='has no topic /middle/image'):
        BagInput(path, image_topics=('/middle/image',))
    assert len(list(BagInput(path, image_topics=('/right/image',)))) == 3


@pytest.mark.parametrize('encoding', ['bgr8', 'rgb8', 'mono8', 'bayer_rggb8', 'mono16'])
def test_images_are_decoded_from_their_encoding(tmp_path, numbered_images, encoding):
    grey = numbered_images.image(5)
    if encoding in ('mono8', 'bayer_rggb8'):
        image = np.ascontiguousarray(grey[..., 0])
    elif encoding == 'mono16':
        image = grey[..., 0].astype(np.uint16) * 257
    else:
        image = grey
    message = raw(image, BEGIN_NS, encoding=encoding)
    with BagInput(write_bag(tmp_path / 'bag', ('/image', message, BEGIN_NS))) as source:
        (frame,) = source
        assert frame.image_bgr.shape == (48, 64, 3)
        if encoding != 'mono16':  # how 16 bits become 8 is the vision room's affair
            assert numbered_images.number(frame.image_bgr) == 5


def test_compressed_images_keep_their_bytes_and_damage_is_an_error_of_that_frame(
    tmp_path, numbered_images
):
    jpeg = cv2.imencode('.jpg', numbered_images.image(9))[1].tobytes()
    whole, cut = compressed(jpeg, BEGIN_NS), compressed(jpeg[:200], BEGIN_NS + PERIOD_NS)
    path = write_bag(
        tmp_path / 'bag',
        ('/image/compressed', whole, BEGIN_NS),
        ('/image/compressed', cut, BEGIN_NS + PERIOD_NS),
    )
    with BagInput(path) as source:
        first, second = source
        assert first.image.is_compressed
        assert jpeg in first.image.message.data
        assert numbered_images.number(first.image_bgr) == 9
        with pytest.raises(InputError, match=r'/image/compressed recorded at.*cut short'):
            _ = second.image_bgr


def test_a_ros_1_bag_is_read_as_well(tmp_path, numbered_images):
    store = get_typestore(Stores.ROS1_NOETIC)
    with Ros1Writer(tmp_path / 'old.bag') as writer:
        connection = writer.add_connection('/cam', 'sensor_msgs/msg/Image', typestore=store)
        for k in range(3):
            stamp = BEGIN_NS + k * PERIOD_NS
            message = raw(numbered_images.image(k), stamp, types=store.types)
            data = store.serialize_ros1(message, 'sensor_msgs/msg/Image')
            writer.write(connection, stamp, bytes(data))
    with BagInput(tmp_path / 'old.bag') as source:
        frames = list(source)
        assert [numbered_images.number(frame.image_bgr) for frame in frames] == [0, 1, 2]
        assert frames[2].stamp_ns == BEGIN_NS + 2 * PERIOD_NS


def test_a_new_stamp_changes_nothing_else_of_a_recorded_message():
    message = fix(47.5, BEGIN_NS)
    data = bytes(STORE.serialize_cdr(message, message.__msgtype__))
    changed = with_stamp_ns(data, 5_000_000_123)
    assert stamp_ns(changed) == 5_000_000_123
    assert with_stamp_ns(changed, BEGIN_NS) == data
    assert STORE.deserialize_cdr(changed, message.__msgtype__).header.frame_id == 'gps'


def test_a_big_endian_recording_is_understood():
    message = fix(47.5, BEGIN_NS)
    data = bytes(STORE.serialize_cdr(message, message.__msgtype__, little_endian=False))
    assert stamp_ns(data) == BEGIN_NS
    changed = STORE.deserialize_cdr(with_stamp_ns(data, 77), message.__msgtype__)
    assert changed.header.stamp.nanosec == 77


def test_bytes_too_short_for_a_header_are_refused():
    with pytest.raises(InputError, match='of 4 bytes is too short'):
        stamp_ns(b'\0\1\0\0')
