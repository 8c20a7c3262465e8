# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Video in bags: packets of H.264 and H.265 become frames with their own stamps."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.writer import BagWriter
from roof_detector.inputs.bag import BagInput
from roof_detector.inputs.errors import InputError
from roof_detector.inputs.frame import Frame

BEGIN_NS = 1_700_000_000_000_000_000
PERIOD_NS = 100_000_000
FFMPEG = 'ffmpeg_image_transport_msgs/msg/FFMPEGPacket'
FOXGLOVE = 'foxglove_msgs/msg/CompressedVideo'


def stamp(number):
    seconds, nanoseconds = divmod(BEGIN_NS + number * PERIOD_NS, 10**9)
    return {'sec': seconds, 'nanosec': nanoseconds}


def packet(kind, number, data, *, encoding):
    data = np.frombuffer(data, np.uint8)
    if kind == FFMPEG:
        header = {'stamp': stamp(number), 'frame_id': 'lens'}
        return {'header': header, 'encoding': encoding, 'data': data}
    return {'timestamp': stamp(number), 'frame_id': 'lens', 'format': encoding, 'data': data}


def write_bag(path, kind, packets, *, encoding, topic):
    with BagWriter(path) as writer:
        writer.add_topic(topic, kind)
        for place, (number, data, _) in enumerate(packets):
            content = message_bytes(kind, packet(kind, number, data, encoding=encoding))
            time_ns = BEGIN_NS + place * PERIOD_NS + 5_000_000
            writer.write(topic, content, log_time_ns=time_ns, publish_time_ns=time_ns)
    return path


@pytest.fixture(scope='module')
def images():
    return [np.full((48, 64, 3), 8 + 8 * number, np.uint8) for number in range(12)]


def number_of(image):
    return round((float(image.mean()) - 8) / 8)


@pytest.mark.parametrize(
    ('kind', 'codec', 'encoding', 'b_frames'),
    [
        (FFMPEG, 'libx264', 'libx264', 0),
        (FFMPEG, 'libx265', 'hevc;yuv420p;bgr8;bgr8', 3),
        (FOXGLOVE, 'libx264', 'h264', 3),
        (FOXGLOVE, 'libx265', 'h265', 0),
    ],
)
def test_every_picture_of_a_bag_is_a_frame_with_its_own_stamp(
    tmp_path, images, encode_video, kind, codec, encoding, b_frames
):
    packets = encode_video(images, codec=codec, gop=6, b_frames=b_frames)
    path = write_bag(tmp_path / 'bag', kind, packets, encoding=encoding, topic='/camera/video')
    with closing(BagInput(path)) as bag:
        assert bag.frame_count == 12
        frames = [one for one in bag.recorded() if isinstance(one, Frame)]
        assert [number_of(one.image_bgr) for one in frames] == list(range(12))
        stamps = [BEGIN_NS + number * PERIOD_NS for number in range(12)]
        assert [one.stamp_ns for one in frames] == stamps
        assert [one.index for one in frames] == list(range(12))
        assert {one.frame_id for one in frames} == {'lens'}
        loaded = [one.load() for one in frames]
        assert number_of(loaded[4].image_bgr()) == 4 and loaded[4].encoded() == b''
        assert len({one.content.sha256 for one in loaded}) == 12
        assert not bag.warnings()
        played = list(bag)
    assert [number_of(one.image_bgr) for one in played] == list(range(12))
    assert [one.stamp_ns for one in played] == stamps


def test_packets_without_a_picture_are_frames_that_say_why(tmp_path, images, encode_video):
    packets = encode_video(images, gop=6)
    packets[8] = (8, packets[8][1][:6] + b'\x55' * 200, False)
    path = write_bag(tmp_path / 'bag', FOXGLOVE, packets[2:], encoding='h264', topic='/video')
    said = []
    with closing(BagInput(path)) as bag:
        for frame in bag.recorded():
            try:
                said.append(number_of(frame.load().image_bgr()))
            except InputError as error:
                said.append('keyframe' if 'next keyframe:' in str(error) else 'damaged')
    assert said[:6] == ['keyframe'] * 4 + [6, 7]
    assert 'damaged' in said[6:] and said.count('keyframe') + said.count('damaged') == 8


def test_an_unknown_encoding_is_named(tmp_path, images, encode_video):
    packets = encode_video(images[:1])
    path = write_bag(tmp_path / 'bag', FFMPEG, packets, encoding='theora', topic='/video')
    with closing(BagInput(path)) as bag:
        (frame,) = bag.recorded()
        with pytest.raises(InputError, match=r"'theora' is not decoded here"):
            frame.load().image_bgr()


def test_video_of_a_raw_topic_is_no_second_camera(tmp_path, images, encode_video):
    packets = encode_video(images, gop=6)
    raw = {'height': 48, 'width': 64, 'encoding': 'bgr8', 'step': 192}
    with BagWriter(tmp_path / 'bag') as writer:
        writer.add_topic('/camera/image', 'sensor_msgs/msg/Image')
        writer.add_topic('/camera/image/ffmpeg', FFMPEG)
        for number, data, _ in packets:
            values = {**raw, 'data': images[number].reshape(-1)}
            values['header'] = {'stamp': stamp(number), 'frame_id': 'lens'}
            for topic, kind, one in (
                ('/camera/image', 'sensor_msgs/msg/Image', values),
                ('/camera/image/ffmpeg', FFMPEG, packet(FFMPEG, number, data, encoding='h264')),
            ):
                content = message_bytes(kind, one)
                writer.write(topic, content, log_time_ns=BEGIN_NS + number, publish_time_ns=1)
    with closing(BagInput(tmp_path / 'bag')) as bag:
        assert bag.image_topics == ('/camera/image',)
