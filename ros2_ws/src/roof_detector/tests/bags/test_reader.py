# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags import rosbag1, rosbag2
from rosbags.rosbag2.enums import CompressionFormat, CompressionMode
from rosbags.typesys import Stores, get_typestore

from roof_detector.bags.errors import BagError
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.reader import BagReader
from roof_detector.bags.schemas import message_schema
from roof_detector.bags.typestore import shared_typestore
from roof_detector.bags.writer import BagWriter

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED = 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'


def test_an_empty_bag_has_no_topics_no_time_and_no_images(tmp_path):
    BagWriter(tmp_path / 'bag').close()
    with BagReader(tmp_path / 'bag') as bag:
        assert (bag.topics, bag.message_count, bag.start_ns, bag.end_ns) == ((), 0, 0, 0)
        with pytest.raises(BagError, match='holds no messages at all'):
            bag.image_topic()


@pytest.mark.parametrize('name', ['bag', 'bag/bag_0.mcap', 'bag/metadata.yaml'])
def test_a_flight_is_read_from_its_folder_or_its_file(tmp_path, flights, name):
    flights.write(tmp_path / 'bag')
    with BagReader(tmp_path / name) as bag:
        assert flights.numbers(bag) == list(range(20))
        assert bag.message_count == 21
        assert (bag.start_ns, bag.end_ns) == (
            flights.START_NS,
            flights.START_NS + 1_900_000_000,
        )
        assert bag.damage == ()


@pytest.mark.parametrize('plugin', list(rosbag2.StoragePlugin), ids=lambda p: p.name)
@pytest.mark.parametrize('mode', list(CompressionMode), ids=lambda m: m.name)
def test_bags_of_rosbag2_are_read_in_every_storage_and_compression(
    tmp_path, flights, plugin, mode
):
    if plugin == rosbag2.StoragePlugin.SQLITE3 and mode == CompressionMode.STORAGE:
        mode = CompressionMode.NONE
    store = get_typestore(Stores.ROS2_HUMBLE)
    writer = rosbag2.Writer(tmp_path / 'bag', version=8, storage_plugin=plugin)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    fix = store.types['sensor_msgs/msg/NavSatFix']
    with writer:
        connection = writer.add_connection('/fix', fix.__msgtype__, typestore=store)
        data = message_bytes('sensor_msgs/msg/NavSatFix', {'latitude': 0.25})
        for number in range(5):
            writer.write(connection, 1_000 + number, data)
    with BagReader(tmp_path / 'bag') as bag:
        messages = list(bag.messages())
        assert [m.log_time_ns for m in messages] == list(range(1_000, 1_005))
        assert {m.data for m in messages} == {data}
        assert bag.deserialize(messages[0]).latitude == 0.25


def test_a_ros_1_bag_gives_messages_of_ros_2(tmp_path):
    store = get_typestore(Stores.ROS1_NOETIC)
    header = store.types['std_msgs/msg/Header']
    time = store.types['builtin_interfaces/msg/Time']
    image = store.types[IMAGE]
    pixels = np.arange(12, dtype=np.uint8)
    with rosbag1.Writer(tmp_path / 'flight.bag') as writer:
        connection = writer.add_connection('/camera/image', IMAGE, typestore=store)
        message = image(header(7, time(3, 4), 'camera'), 2, 2, 'bgr8', 0, 6, pixels)
        writer.write(connection, 55, store.serialize_ros1(message, IMAGE))
    with BagReader(tmp_path / 'flight.bag') as bag:
        assert bag.image_topic().name == '/camera/image'
        read = next(bag.messages())
        decoded = bag.deserialize(read)
    assert read.log_time_ns == 55
    assert (decoded.header.stamp.sec, decoded.header.frame_id) == (3, 'camera')
    assert decoded.data.tolist() == pixels.tolist()


def test_fields_of_ros_1_have_their_names_of_ros_2(tmp_path):
    ros1, ros2 = get_typestore(Stores.ROS1_NOETIC), shared_typestore()
    values = {'width': 80, 'height': 60, 'k': [70, 0, 40, 0, 70, 30, 0, 0, 1], 'd': [0.1]}
    with rosbag1.Writer(tmp_path / 'flight.bag') as writer:
        connection = writer.add_connection('/camera_info', CAMERA_INFO, typestore=ros1)
        data = ros2.cdr_to_ros1(message_bytes(CAMERA_INFO, values), CAMERA_INFO)
        writer.write(connection, 55, data)
    with BagReader(tmp_path / 'flight.bag') as bag:
        info = bag.deserialize(next(bag.messages()))
        schema = bag.schema(CAMERA_INFO)
    assert (info.k[2], info.d.tolist()) == (40, [0.1])  # K and D in ROS 1
    assert schema == message_schema(CAMERA_INFO)


def image_bag(path, **counts):
    with BagWriter(path) as writer:
        for name, count in counts.items():
            topic = '/' + name.replace('__', '/')
            kind = COMPRESSED if topic.endswith('compressed') else IMAGE
            writer.add_topic(topic, kind)
            for number in range(count):
                writer.write(topic, message_bytes(kind, {}), log_time_ns=number)
    return path


@pytest.mark.parametrize(
    ('counts', 'chosen'),
    [
        ({'cam__image': 1}, '/cam/image'),
        ({'cam__image': 1, 'detector__image_annotated__compressed': 2}, '/cam/image'),
        ({'cam__image__compressed': 1, 'cam__image': 1}, '/cam/image'),
        ({'cam__image__compressed': 1, 'cam__image': 0}, '/cam/image/compressed'),
        ({'detector__image_annotated': 1}, '/detector/image_annotated'),
    ],
    ids=['the only one', 'not annotated', 'raw before compressed', 'not empty', 'else annotated'],
)
def test_the_source_images_are_found(tmp_path, counts, chosen):
    with BagReader(image_bag(tmp_path / 'bag', **counts)) as bag:
        assert bag.image_topic().name == chosen
        assert {topic.name for topic in bag.image_topics()} >= {chosen}


def test_several_cameras_are_a_question_to_the_user(tmp_path):
    with BagReader(image_bag(tmp_path / 'bag', left__image=1, right__image=1)) as bag:
        with pytest.raises(BagError, match='several image topics'):
            bag.image_topic()
        assert bag.image_topic('/right/image').name == '/right/image'


def test_a_bag_without_the_wanted_images_lists_what_it_has(tmp_path, flights):
    with BagReader(flights.write(tmp_path / 'bag')) as bag:
        listed = r'/detector/detections \(vision_msgs/msg/Detection2DArray, 20\)'
        with pytest.raises(BagError, match='no images.*' + listed):
            bag.image_topic()
        with pytest.raises(BagError, match='no topic /camera/image.*' + listed):
            bag.image_topic('/camera/image')
        with pytest.raises(BagError, match='holds vision_msgs/msg/LabelInfo, no images'):
            bag.image_topic('/detector/labels')


@pytest.mark.parametrize(
    ('spoil', 'sentence'),
    [
        (shutil.rmtree, 'There is no bag'),
        (lambda bag: (bag / 'metadata.yaml').unlink(), 'has no metadata.yaml.*bag recover'),
        (lambda bag: (bag / 'metadata.yaml').write_text('a: ['), 'is not what rosbag2 writes'),
        (lambda bag: (bag / 'metadata.yaml').write_text('- a'), 'is not what rosbag2 writes'),
        (lambda bag: (bag / 'bag_0.mcap').unlink(), 'lacks files.*bag_0.mcap'),
        (lambda bag: (bag / 'bag_0.mcap').write_bytes(b''), 'is empty'),
        (lambda bag: (bag / 'bag_0.mcap').write_bytes(b'SQLite' * 50), 'another kind of file'),
        (
            lambda bag: (bag / 'metadata.yaml').write_text(
                (bag / 'metadata.yaml').read_text().replace('identifier: mcap', 'identifier: x')
            ),
            "stored as 'x'; only mcap and sqlite3",
        ),
    ],
    ids=[
        'missing',
        'no metadata',
        'no yaml',
        'other yaml',
        'lost file',
        'empty file',
        'other file',
        'storage',
    ],
)
def test_a_bag_that_cannot_be_read_says_why(tmp_path, flights, spoil, sentence):
    path = flights.write(tmp_path / 'bag')
    spoil(path)
    with pytest.raises(BagError, match=sentence):
        BagReader(path)


def test_a_bag_that_is_closed_to_us_is_named(closed_folder, unprivileged):
    with pytest.raises(BagError, match=r'cannot be read \(Permission denied\)'):
        BagReader(closed_folder / 'bag')


def test_a_file_that_is_no_bag_is_refused(tmp_path):
    for name, content in (('a.mp4', b'x'), ('a.db3', b'x' * 5000), ('a.bag', b'x' * 5000)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BagError, match=r'is not a bag|cannot be read'):
            BagReader(tmp_path / name)


def test_a_damaged_message_is_refused_in_a_sentence(tmp_path, flights):
    with BagWriter(tmp_path / 'bag') as writer:
        writer.add_topic('/detector/detections', flights.DETECTIONS)
        writer.write('/detector/detections', flights.detections(2)[:30], log_time_ns=1)
    with BagReader(tmp_path / 'bag') as bag, pytest.raises(BagError, match='is damaged'):
        bag.deserialize(next(bag.messages()))


def test_a_file_that_only_lacks_its_summary_says_so(tmp_path, flights):
    path = flights.cut_off(tmp_path / 'bag')
    with BagReader(path) as bag:
        assert flights.numbers(bag) == list(range(20))
        assert 'only its summary is missing' in bag.damage[0]


@pytest.mark.parametrize('compression', ['none', 'lz4'])
@settings(max_examples=40, deadline=None)
@given(share=st.floats(0, 1))
def test_a_file_cut_anywhere_is_read_to_its_last_full_chunk(
    cut_off_flights, flights, compression, share
):
    path = cut_off_flights(compression)
    file = path / 'bag_0.mcap'
    whole = file.read_bytes()
    cut = 8 + round(share * (len(whole) - 8))
    file.write_bytes(whole[:cut])
    with BagReader(path) as bag:
        numbers = flights.numbers(bag)
        assert len(numbers) % 5 == 0
        assert numbers == list(range(len(numbers)))
        assert bag.damage[0].startswith('bag_0.mcap was cut off')


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 0.999), value=st.integers(0, 255), zeros=st.booleans())
def test_damage_within_a_cut_off_file_never_gives_wrong_messages(
    cut_off_flights, flights, share, value, zeros
):
    path = cut_off_flights('lz4')
    file = path / 'bag_0.mcap'
    content = bytearray(file.read_bytes())
    place = 8 + int(share * (len(content) - 8))
    if zeros:  # as a file system may leave after a power cut
        content[place:] = bytes(len(content) - place)
    else:
        content[place] = value
    file.write_bytes(content)
    with BagReader(path) as bag:
        numbers = flights.numbers(bag)
        damage = bag.damage
    assert damage
    if zeros:
        assert numbers == list(range(len(numbers)))
    else:  # at most one chunk is damaged, and those behind it are read
        assert numbers == [n for n in range(20) if n in numbers]
        assert len(numbers) >= 15


def test_a_split_flight_whose_last_file_is_cut_off_is_read_through(tmp_path, flights):
    path = flights.cut_off(tmp_path / 'bag', range(35), max_file_s=1.0)
    assert len(list(path.glob('*.mcap'))) == 4
    with BagReader(path) as bag:
        assert flights.numbers(bag) == list(range(35))
        assert len(bag.damage) == 1
        assert bag.damage[0].startswith('bag_3.mcap was cut off')
