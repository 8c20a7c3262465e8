# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a part of a node logs with `logging` arrives on /rosout under the node's name."""

import logging

import pytest
from rcl_interfaces.msg import Log

from roof_detector.ros.common.ros_log_handler import RosLogHandler
from roof_detector.ros.detector.detector_node import DetectorNode
from roof_detector.ros.recorder.recorder_node import RecorderNode

part = logging.getLogger('roof_detector.some.part')


@pytest.fixture
def rosout(graph):
    logs = []
    node, listener = graph.node('speaker'), graph.node('listener')
    listener.create_subscription(Log, '/rosout', logs.append, 100)
    graph.wait_until(lambda: node.count_subscribers('/rosout'), what='a reader of /rosout')
    return node, lambda: [(log.level, log.msg) for log in logs if log.name == 'speaker']


def test_records_keep_their_severity(graph, rosout):
    node, logs = rosout
    handler = RosLogHandler.install(node)
    part.warning('Frame %d is damaged.', 3)
    part.error('100 % of the frames are damaged.')
    part.info('All is well.')
    part.debug('Nobody needs this.')  # below the node's level
    part.critical('The end.')
    graph.wait_until(lambda: len(logs()) == 4, what='four logs')
    handler.close()
    assert logs() == [
        (30, 'Frame 3 is damaged.'),
        (40, '100 % of the frames are damaged.'),
        (20, 'All is well.'),
        (50, 'The end.'),
    ]


def test_a_closed_handler_forwards_nothing(graph, rosout):
    node, logs = rosout
    RosLogHandler.install(node).close()
    part.warning('This is for nobody.')
    handler = RosLogHandler.install(node)
    part.warning('This is for the node.')
    graph.wait_until(logs, what='a log')
    handler.close()
    assert [message for _, message in logs()] == ['This is for the node.']


@pytest.mark.parametrize('kind', [DetectorNode, RecorderNode], ids=['detector', 'recorder'])
def test_a_node_forwards_what_its_parts_log_until_it_is_destroyed(graph, kind):
    logs = []
    listener = graph.node('listener')
    listener.create_subscription(Log, '/rosout', logs.append, 100)
    node = kind(context=graph.context)
    graph.executor.add_node(node)
    graph.wait_until(lambda: node.count_subscribers('/rosout'), what='a reader of /rosout')
    part.warning('A thread was replaced.')
    graph.wait_until(
        lambda: (
            (node.get_name(), 'A thread was replaced.') in [(log.name, log.msg) for log in logs]
        ),
        what='the log of a part',
    )
    graph.executor.remove_node(node)
    node.destroy_node()
    assert not logging.getLogger('roof_detector').handlers
