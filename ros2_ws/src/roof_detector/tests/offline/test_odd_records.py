# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""One odd record of a bag costs itself, not its flight."""

from __future__ import annotations

import struct

import pytest

from roof_detector.bags.finding_messages import DETECTIONS, LABELS, labels_bytes
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.qos import OfferedQos
from roof_detector.bags.writer import BagWriter
from roof_detector.offline.exporting import export_results
from roof_detector.offline.georeferencing import GeoreferenceSettings
from roof_detector.offline.result_bag import ResultBag

IMAGE, FIX, INFO, POSE = (
    'sensor_msgs/msg/Image',
    'sensor_msgs/msg/NavSatFix',
    'sensor_msgs/msg/CameraInfo',
    'geometry_msgs/msg/PoseStamped',
)
FORMATS = ('csv', 'xlsx', 'json', 'images', 'video', 'crops', 'geojson')
ODD_STAMPS = {
    'negative': (-1, 0),
    'least': (-(2**31), 0),
    'greatest': (2**31 - 1, 2**32 - 1),
    'zero': (0, 0),
    'nanoseconds': (1_700_000_000, 4_000_000_000),
    'ten years later': (2_015_000_000, 0),
}


def stamped(data, stamp):
    return data[:4] + struct.pack('<iI', *stamp) + data[12:]


def flight(flights, path, *, odd):
    """Write a flight with fixes and poses, whose messages were changed by `odd`."""
    width, height = flights.SIZE_WH
    k = [100.0, 0, width / 2, 0, 100, height / 2, 0, 0, 1]
    topics = {'/camera/image': IMAGE, '/camera/camera_info': INFO, '/fix': FIX, '/pose': POSE}
    with BagWriter(path) as writer:
        for topic, kind in topics.items():
            writer.add_topic(topic, kind, offered_qos=[OfferedQos()])
        for number in range(8):
            header = flights.image_values(number)['header']
            pose = {'position': {'z': 30.0}, 'orientation': {'x': 1.0}}
            for topic, values in (
                ('/camera/camera_info', {'width': width, 'height': height, 'k': k}),
                ('/fix', {'latitude': 47.0, 'longitude': 8.0, 'altitude': 440.0}),
                ('/pose', {'pose': pose}),
                ('/camera/image', flights.image_values(number)),
            ):
                data = message_bytes(topics[topic], {**values, 'header': header})
                data = odd(topic, number, data)
                writer.write(topic, data, log_time_ns=flights.stamp_ns(number) + 1_000_000)
    return path


@pytest.mark.parametrize('stamp', ODD_STAMPS.values(), ids=ODD_STAMPS)
def test_a_frame_with_an_odd_stamp_has_its_results_and_so_have_the_others(
    flights, detect, tmp_path, stamp
):
    def odd(topic, number, data):
        return stamped(data, stamp) if number == 3 else data

    bag = flight(flights, tmp_path / 'flight', odd=odd)
    all_formats = stamp in (ODD_STAMPS['negative'], ODD_STAMPS['greatest'])
    formats = FORMATS if all_formats else ('csv', 'json')
    (outcome,) = detect(bag, formats=formats, annotated=True, keep_candidates=0.05)
    assert not outcome.failure
    assert (outcome.frames, outcome.unreadable) == (8, 0)
    with ResultBag(outcome.output) as results:
        frames = list(results.frames())
    assert len(frames) == 8
    expected = [flights.stamp_ns(number) for number in range(8)]
    stamps = [frame.record.stamp_ns for frame in frames]
    assert stamps[:3] + stamps[4:] == expected[:3] + expected[4:]


def test_frames_with_odd_stamps_are_counted_in_the_summary(flights, detect, tmp_path):
    def odd(_, number, data):
        return stamped(data, (-5, 0)) if number % 2 else data

    (outcome,) = detect(flight(flights, tmp_path / 'flight', odd=odd))
    assert any('4 of 8 frames have a stamp that is not of the day' in n for n in outcome.notes)
    (outcome,) = detect(
        flight(flights, tmp_path / 'good', odd=lambda _, __, data: data), output='other'
    )
    assert not any('stamp' in note for note in outcome.notes)


DAMAGES = {
    'empty': lambda data: b'',
    'short': lambda data: data[:9],
    'half': lambda data: data[: len(data) // 2],
    'huge string': lambda data: data[:12] + struct.pack('<I', 2**32 - 1) + data[16:],
    'noise': lambda data: data[:4] + bytes(range(256)) * 4,
    'other byte order': lambda data: b'\0\0' + data[2:],
}


@pytest.mark.parametrize('damage', DAMAGES.values(), ids=DAMAGES)
def test_a_record_that_is_no_message_costs_itself(flights, detect, tmp_path, damage):
    def odd(_, number, data):
        return damage(data) if number in (0, 4) else data

    bag = flight(flights, tmp_path / 'flight', odd=odd)
    (outcome,) = detect(bag, formats=('csv', 'geojson'))
    assert not outcome.failure
    assert outcome.frames == 8
    assert outcome.unreadable == 2
    assert (outcome.output / 'detections.geojson').exists(), outcome
    for damaged in ('/camera/camera_info', '/fix', '/pose'):
        assert any(f'messages of {damaged}: 2 ' in note for note in outcome.notes), outcome


ODD_IMAGES = {
    'wide': {'width': 2**32 - 1},
    'high': {'height': 2**32 - 1},
    'no width': {'width': 0},
    'no rows': {'height': 0},
    'short rows': {'step': 3},
    'long rows': {'step': 2**32 - 1},
    'no data': {'data': b''},
    'encoding': {'encoding': '8UC99999999'},
    'no encoding': {'encoding': ''},
    'floats': {'encoding': '32FC1'},
}


@pytest.mark.parametrize('values', ODD_IMAGES.values(), ids=ODD_IMAGES)
def test_an_image_that_contradicts_itself_costs_itself(flights, detect, tmp_path, values):
    def odd(topic, number, data):
        if topic == '/camera/image' and number == 0:
            return message_bytes(IMAGE, {**flights.image_values(0), **values})
        return data

    (outcome,) = detect(flight(flights, tmp_path / 'flight', odd=odd))
    assert (outcome.frames, outcome.unreadable, outcome.failure) == (8, 1, '')


def test_a_result_bag_with_a_damaged_record_gives_all_its_other_frames(flights, tmp_path):
    def detections(number, **box):
        header = flights.image_values(number)['header']
        found = {
            'header': header,
            'results': [{'hypothesis': {'class_id': box.pop('label', 'drain'), 'score': 0.9}}],
            'bbox': {'center': {'position': {'x': 10.0, 'y': 10.0}}, 'size_x': 4.0, 'size_y': 4.0}
            | box,
        }
        return message_bytes(DETECTIONS, {'header': header, 'detections': [found]})

    nan = float('nan')
    records = [
        detections(0),
        b'\0\1\0\0',
        detections(2, label='nobody knows'),
        detections(3, size_x=nan),
        detections(4)[:40],
        detections(5),
    ]
    with BagWriter(tmp_path / 'bag') as writer:
        writer.add_topic('/detector/labels', LABELS, offered_qos=[OfferedQos()])
        writer.add_topic('/detector/detections', DETECTIONS, offered_qos=[OfferedQos()])
        for labels in (labels_bytes(['drain'], threshold=0.5, stamp_ns=1), b'\0\1'):
            writer.write('/detector/labels', labels, log_time_ns=flights.BEGIN_NS)
        for number, data in enumerate(records):
            writer.write('/detector/detections', data, log_time_ns=flights.stamp_ns(number))
    with ResultBag(tmp_path / 'bag') as bag:
        frames = list(bag.frames())
    assert [bool(frame.record.error) for frame in frames] == [
        number in (1, 2, 3, 4) for number in range(6)
    ]
    tally = export_results(
        tmp_path / 'bag',
        tmp_path / 'out',
        ('csv', 'json'),
        georeferencing=GeoreferenceSettings(),
        progress='none',
    )
    assert (tally.frames, tally.unreadable, tally.detections['drain']) == (6, 4, 2)
    assert len((tmp_path / 'out/detections.csv').read_text().splitlines()) == 3
