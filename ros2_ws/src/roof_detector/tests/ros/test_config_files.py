# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Parameter files, views and the package's own description."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
import yaml
from launch_file import PACKAGE, TABLES

from roof_detector.pipeline.frame_stats import FrameStats
from roof_detector.ros.camera.camera_diagnostics import camera_status
from roof_detector.ros.camera.playback import PlaybackReport
from roof_detector.ros.common.camera_topics import TOPICS
from roof_detector.ros.detector.detector_diagnostics import detector_status
from roof_detector.ros.inspector.inspector_views import VIEW_TOPICS
from roof_detector.ros.recorder.recorder_parameters import RECORDER_TABLE

CONFIG = PACKAGE / 'config'


def type_name(kind):
    return f'{kind.__module__.split(".")[0]}/msg/{kind.__name__}'


DETECTIONS, FINDINGS = 'vision_msgs/msg/Detection2DArray', 'vision_msgs/msg/Detection3DArray'
IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
CAMERA_TOPICS = {
    f'camera/{name.removeprefix("~/")}': type_name(kind) for name, kind in TOPICS.values()
}
DETECTOR_TOPICS = {
    'detector/detections': DETECTIONS,
    'detector/labels': 'vision_msgs/msg/LabelInfo',
    'detector/image_annotated': IMAGE,
    'detector/image_annotated/compressed': COMPRESSED,
    'detector/masks': IMAGE,
}
INSPECTOR_TOPICS = {
    'inspector/detections': DETECTIONS,
    'inspector/findings': FINDINGS,
    'inspector/events': 'std_msgs/msg/String',
    **{f'inspector/{name}': kind for name, kind in VIEW_TOPICS.items()},
}
PUBLISHED = {
    **CAMERA_TOPICS,
    **DETECTOR_TOPICS,
    **INSPECTOR_TOPICS,
    '/diagnostics': 'diagnostic_msgs/msg/DiagnosticArray',
}
# What each display of RViz and each panel of Foxglove draws.
SHOWN_BY = {
    'Image': {IMAGE},
    'Map': {'nav_msgs/msg/OccupancyGrid'},
    'MarkerArray': {'visualization_msgs/msg/MarkerArray'},
    'Pose': {'geometry_msgs/msg/PoseStamped'},
}


def type_of(topic):
    return PUBLISHED.get(topic) or PUBLISHED.get(topic.lstrip('/'))


def is_published(topic):
    return type_of(topic) is not None


def strings_of(value):
    if isinstance(value, dict):
        value = [*value, *value.values()]  # the keys of some are topics
    if isinstance(value, list):
        return [text for item in value for text in strings_of(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize('node', sorted(TABLES))
def test_a_parameter_file_holds_every_parameter_and_its_default(node):
    (name, content), *rest = yaml.safe_load((CONFIG / f'{node}.yaml').read_text()).items()
    assert name == '/**' and not rest  # whatever the namespace
    values = content['ros__parameters']
    assert list(values) == [parameter.name for parameter in TABLES[node]]
    for parameter in TABLES[node]:
        assert parameter.coerce(values[parameter.name]) == parameter.default


def test_rviz_shows_topics_that_are_published():
    config = yaml.safe_load((CONFIG / 'roof_detector.rviz').read_text())
    displays = config['Visualization Manager']['Displays']
    topics = {d['Name']: d['Topic']['Value'] for d in displays if 'Topic' in d}
    assert topics == {
        'Annotated image': 'detector/image_annotated',
        'Camera': 'camera/image',
        'Camera pose': 'camera/pose',
        'Coverage': 'inspector/coverage',
        'Findings': 'inspector/markers',
    }
    for display in displays:
        if 'Topic' in display:
            kind = display['Class'].partition('/')[2]
            assert type_of(display['Topic']['Value']) in SHOWN_BY[kind], display['Name']
            is_latched = display['Topic']['Value'].startswith('inspector/')
            durability = 'Transient Local' if is_latched else 'Volatile'
            assert display['Topic']['Durability Policy'] == durability
    # Its displays are those that come with RViz, and its frame is that of the poses.
    assert all(d['Class'].startswith('rviz_default_plugins/') for d in displays)
    frame = config['Visualization Manager']['Global Options']['Fixed Frame']
    assert frame == TABLES['simulated_flight']['map_frame_id'].default


def test_the_foxglove_layout_shows_every_panel_once_and_topics_that_are_published():
    layout = json.loads((CONFIG / 'foxglove_layout.json').read_text())
    panels = layout['configById']

    def leaves(node):
        if isinstance(node, str):
            return [node]
        return leaves(node['first']) + leaves(node['second'])

    assert sorted(leaves(layout['layout'])) == sorted(panels)
    assert {name.partition('!')[0] for name in panels} >= {'Image', 'DiagnosticSummary', 'Plot'}
    topics = [text for text in strings_of(panels) if re.match(r'/\w', text)]
    assert topics
    for topic in topics:
        assert is_published(topic.partition('.')[0]), topic
    camera = panels['Image!camera']['imageMode']
    assert [type_of(topic) for topic in camera['annotations']] == [VIEW_TOPICS['annotations']]
    assert type_of(camera['imageTopic']) == IMAGE
    assert type_of(panels['Image!annotated']['imageMode']['imageTopic']) == COMPRESSED
    shown = {type_of(topic) for topic in panels['3D!roof']['topics']}
    assert shown == SHOWN_BY['Map'] | SHOWN_BY['MarkerArray'] | SHOWN_BY['Pose']
    # The map's panel draws every NavSatFix and GeoJSON that is not disabled.
    assert type_of(panels['map!flight']['followTopic']) == 'sensor_msgs/msg/NavSatFix'
    assert panels['map!flight']['disabledTopics'] == []


def test_the_foxglove_plots_draw_values_that_the_nodes_report():
    stats = FrameStats()
    stats.process({'age': 0.1}, found={})
    detector = detector_status(
        name='detector: detection',
        state='active',
        topic='/camera/image',
        detector=None,
        model_change='',
        stats=stats.snapshot(),
        annotations_skipped=0,
        tiles=None,
    )
    camera = camera_status(
        name='camera: frames',
        source='',
        report=PlaybackReport(state='playing', published=1, late=0, rate_hz=9.9, error=''),
        listeners=1,
    )
    reported = {(s.name, pair.key) for s in (detector, camera) for pair in s.values}
    layout = json.loads((CONFIG / 'foxglove_layout.json').read_text())
    plotted = [
        re.fullmatch(
            r'/diagnostics\.status\[:\]{name=="(.+)"}\.values\[:\]{key=="(.+)"}\.value', text
        ).groups()
        for text in strings_of(layout['configById'])
        if text.startswith('/diagnostics.')
    ]
    assert len(plotted) == 4 and set(plotted) <= reported


def test_the_recorder_records_topics_that_are_published():
    for name in ('topics', 'source_image_topics'):
        for topic in RECORDER_TABLE[name].default:
            # Every node publishes the one, whoever knows the drone's frames the other.
            assert topic in ('/parameter_events', '/tf_static') or is_published(topic)


def test_package_xml_is_of_format_3_and_depends_on_every_message_package_that_is_imported():
    root = ElementTree.parse(PACKAGE / 'package.xml').getroot()
    assert root.tag == 'package' and root.get('format') == '3'
    assert root.findtext('name') == 'roof_detector'
    assert root.findtext('export/build_type') == 'ament_python'
    depends = {element.text for element in root if element.tag.endswith('depend')}
    imported = set()
    for path in (PACKAGE / 'roof_detector' / 'ros').rglob('*.py'):
        imported |= set(
            re.findall(r'^from (\w+(?:_msgs|_srvs|_interfaces))\.', path.read_text(), re.M)
        )
    assert imported and imported <= depends
    assert {
        'launch',
        'launch_ros',
        'ros2launch',
        'rosbag2',
        'rviz2',
        'rmw_fastrtps_cpp',
    } <= depends
