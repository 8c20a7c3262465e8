# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import numpy as np
import pytest

from roof_detector.bags.errors import BagError
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.schemas import message_schema
from roof_detector.bags.typestore import shared_typestore


def read_back(type_name, values):
    data = message_bytes(type_name, values)
    return shared_typestore().deserialize_cdr(data, type_name)


@pytest.mark.parametrize(
    'type_name',
    ['sensor_msgs/msg/Image', 'sensor_msgs/msg/CameraInfo', 'vision_msgs/msg/Detection2DArray'],
)
def test_without_values_a_message_has_its_defaults(type_name):
    assert message_schema(type_name).type_name == type_name
    assert read_back(type_name, {}).header.frame_id == ''


def test_nested_values_lists_and_arrays_come_back():
    message = read_back(
        'vision_msgs/msg/Detection2DArray',
        {
            'header': {'stamp': {'sec': 4}},
            'detections': [{'id': 'a'}, {'bbox': {'center': {'position': {'x': 2.5}}}}],
        },
    )
    assert message.header.stamp.sec == 4
    assert [detection.id for detection in message.detections] == ['a', '']
    assert message.detections[1].bbox.center.position.x == 2.5
    info = read_back('sensor_msgs/msg/CameraInfo', {'k': range(9), 'd': [0.5]})
    assert (info.k.tolist(), info.d.tolist()) == (list(range(9)), [0.5])


@pytest.mark.parametrize('data', [b'\x01\x02', [1, 2], np.array([1, 2], np.uint8)])
def test_pixels_may_be_bytes_a_list_or_an_array(data):
    assert read_back('sensor_msgs/msg/Image', {'data': data}).data.tolist() == [1, 2]


def test_an_unknown_field_is_refused_with_those_there_are():
    with pytest.raises(BagError, match="no field 'size'; its fields are: header, height, width"):
        message_bytes('sensor_msgs/msg/Image', {'size': 1})
