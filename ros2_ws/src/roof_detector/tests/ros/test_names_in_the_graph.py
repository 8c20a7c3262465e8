# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Names that would be lost without a word: twins of topics, of nodes, and of params files."""

from __future__ import annotations

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from roof_detector.ros.common.errors import RosError
from roof_detector.ros.common.image_topic_name import image_topic_name
from roof_detector.ros.common.params_entries import check_params_files


@pytest.mark.parametrize(
    ('remappings', 'expected'),
    [
        ([], '/image/compressed'),
        (['image:=/cam/image_raw'], '/cam/image_raw/compressed'),
        (['/image:=/cam/image_raw'], '/cam/image_raw/compressed'),
        (['image/compressed:=/other/jpeg'], '/other/jpeg'),
        (['image:=/cam/image_raw', 'image/compressed:=/other/jpeg'], '/other/jpeg'),
    ],
)
def test_a_compressed_twin_follows_its_image(graph, remappings, expected):
    rules = [text for rule in remappings for text in ('-r', rule)]
    node = rclpy.create_node(
        'remapped', context=graph.context, cli_args=['--ros-args', *rules] if rules else []
    )
    graph.add(node)
    assert image_topic_name(node, 'image', '/compressed') == expected
    assert image_topic_name(node, 'image', '') == node.resolve_topic_name('image')


def test_a_detector_listens_to_the_twin_of_a_remapped_image(graph, make_probe):
    probe = make_probe(
        graph, transport='compressed', remappings=('-r', 'image:=/cam/image_raw'), wait=False
    )
    graph.wait_until(
        lambda: probe.node.count_subscribers('/cam/image_raw/compressed'), what='the reader'
    )


@pytest.mark.parametrize(
    ('content', 'node', 'named'),
    [
        ('detector:\n  ros__parameters: {confidence: 0.4}', '/drone1/detector', '/detector'),
        ('/drone1:\n  detektor:\n    ros__parameters: {a: 1}', '/drone1/detector', 'detektor'),
        ('confidence: 0.4', '/detector', 'no node at all'),
    ],
)
def test_a_params_file_that_matches_nothing_is_refused(tmp_path, content, node, named):
    file = tmp_path / 'p.yaml'
    file.write_text(content)
    with pytest.raises(RosError, match=named):
        check_params_files(node, arguments=['--ros-args', '--params-file', str(file)])


@pytest.mark.parametrize('pattern', ['/drone1/detector', '/**', '**', '/*/detector', '/drone1/*'])
def test_a_params_file_that_matches_is_not(tmp_path, pattern):
    file = tmp_path / 'p.yaml'
    file.write_text(f'{pattern}:\n  ros__parameters: {{a: 1}}')
    check_params_files('/drone1/detector', arguments=['--params-file', str(file)])


def test_a_node_refuses_to_start_with_a_params_file_for_others(graph, tmp_path):
    file = tmp_path / 'p.yaml'
    file.write_text('detector:\n  ros__parameters: {confidence: 0.4}')
    recorder = graph.start(
        'roof_detector.ros.recorder.recorder_node', '--ros-args', '--params-file', str(file)
    )
    output, _ = recorder.communicate(timeout=60)
    assert recorder.returncode == 1
    assert 'has parameters for /detector and none for /recorder' in output


def test_two_nodes_of_one_name_say_so(graph, tmp_path):
    node, seen = graph.node('listener'), []
    node.create_subscription(DiagnosticArray, '/diagnostics', seen.append, 10)
    options = ['--ros-args', '-p', f'output_directory:={tmp_path}', '-p', 'min_free_gb:=0.0']
    for _ in range(2):
        graph.start('roof_detector.ros.recorder.recorder_node', *options)

    def is_said():
        statuses = [status for array in seen for status in array.status]
        return any(
            'more node(s) of this name' in status.message
            and status.level == DiagnosticStatus.WARN
            and any(p.key == 'nodes_of_this_name' and p.value == '2' for p in status.values)
            for status in statuses
        )

    graph.wait_until(is_said, what='a word about the other node')
