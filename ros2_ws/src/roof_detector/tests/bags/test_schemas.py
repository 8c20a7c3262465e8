# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from roof_detector.bags.errors import BagError
from roof_detector.bags.schemas import message_schema

RECORDED = (
    'vision_msgs/msg/Detection2DArray',
    'vision_msgs/msg/LabelInfo',
    'sensor_msgs/msg/Image',
    'sensor_msgs/msg/CompressedImage',
    'sensor_msgs/msg/CameraInfo',
    'sensor_msgs/msg/NavSatFix',
    'geometry_msgs/msg/PoseStamped',
    'diagnostic_msgs/msg/DiagnosticArray',
    'rcl_interfaces/msg/ParameterEvent',
)


@pytest.mark.parametrize('type_name', RECORDED)
def test_the_type_hash_is_the_one_that_ros_generated(type_name):
    package, kind, name = type_name.split('/')
    prefixes = [Path(prefix) for prefix in os.environ['AMENT_PREFIX_PATH'].split(os.pathsep)]
    described = next(
        file
        for prefix in prefixes
        if (file := prefix / 'share' / package / kind / f'{name}.json').is_file()
    )
    hashes = {
        entry['type_name']: entry['hash_string']
        for entry in json.loads(described.read_text())['type_hashes']
    }
    assert message_schema(type_name).type_hash == hashes[type_name]


def test_the_text_defines_all_that_a_type_is_made_of():
    text = message_schema('vision_msgs/msg/Detection2D').text
    parts = text.split('=' * 80 + '\n')
    assert parts[0].startswith('std_msgs/Header header\n')
    assert sorted(part.split('\n')[0] for part in parts[1:]) == [
        'MSG: builtin_interfaces/Time',
        'MSG: geometry_msgs/Point',
        'MSG: geometry_msgs/Pose',
        'MSG: geometry_msgs/PoseWithCovariance',
        'MSG: geometry_msgs/Quaternion',
        'MSG: std_msgs/Header',
        'MSG: vision_msgs/BoundingBox2D',
        'MSG: vision_msgs/ObjectHypothesis',
        'MSG: vision_msgs/ObjectHypothesisWithPose',
        'MSG: vision_msgs/Point2D',
        'MSG: vision_msgs/Pose2D',
    ]


def test_a_type_of_ones_own_is_found_among_the_sourced_packages(tmp_path, monkeypatch):
    folder = tmp_path / 'share' / 'roof_msgs' / 'msg'
    folder.mkdir(parents=True)
    (folder / 'Tile.msg').write_text('float32 area\n')
    (folder / 'Roof.msg').write_text('std_msgs/Header header\nroof_msgs/Tile[] tiles\n')
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'/nowhere{os.pathsep}{tmp_path}')
    schema = message_schema('roof_msgs/msg/Roof')
    assert 'MSG: roof_msgs/Tile\nfloat32 area' in schema.text


def test_an_unknown_type_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.delenv('AMENT_PREFIX_PATH')
    with pytest.raises(BagError, match='Install the package robots and source'):
        message_schema('robots/msg/Arm')
    with pytest.raises(BagError, match='expected the form package/msg/Name'):
        message_schema('Image')
