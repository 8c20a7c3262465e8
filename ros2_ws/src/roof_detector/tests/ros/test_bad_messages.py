# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Whatever a message holds, it costs that message alone: the next good frame has its result."""

from __future__ import annotations

import cv2
import pytest
from any_message import any_compressed_image, any_image, any_message
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sensor_msgs.msg import CompressedImage, Image
from tiny_model import write_model
from two_cameras import PICTURE_BGR, TwoCameras
from vision_msgs.msg import Detection2DArray

ODD_STAMPS = [
    Time(sec=-1),
    Time(sec=-(2**31), nanosec=2**32 - 1),
    Time(),
    Time(sec=2**31 - 1, nanosec=2**32 - 1),
    Time(sec=1, nanosec=5),
    Time(sec=1_700_000_000, nanosec=4_000_000_000),
]
JPEGS = [
    cv2.imencode(suffix, PICTURE_BGR, options)[1].tobytes()
    for suffix, options in (
        ('.jpg', []),
        ('.jpg', [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        ('.png', []),
    )
]
# A process is asked, so that few examples of many messages are worth more than the other way.
live = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def batches(make):
    """Return a strategy of lists of messages, each for one of the two cameras."""
    message = st.randoms(use_true_random=False).map(make)
    return st.lists(st.tuples(st.sampled_from(('left', 'right')), message), max_size=40)


@pytest.fixture(scope='module')
def tiny_onnx(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp('tiny') / 'tiny.onnx')


@pytest.fixture(scope='module')
def cameras(shared_graph, tiny_onnx):
    return TwoCameras(shared_graph, tiny_onnx)


@pytest.fixture(scope='module')
def jpeg_cameras(shared_graph_of_jpegs, tiny_onnx):
    return TwoCameras(shared_graph_of_jpegs, tiny_onnx, transport='compressed')


@pytest.fixture(scope='module')
def shared_graph_of_jpegs():
    from ros_graph import Graph

    graph = Graph()
    yield graph
    graph.close()


@pytest.mark.parametrize('stamp', ODD_STAMPS, ids=str)
def test_a_frame_with_an_odd_stamp_has_its_result_and_so_have_those_after_it(cameras, stamp):
    before = cameras.settled() if cameras.values else {}
    cameras.expect_results('left', stamp=stamp)
    cameras.expect_results('right')
    cameras.expect_results('left')
    values = cameras.settled()['left']
    unknown = int(values['ages_unknown']) - int(before.get('left', {}).get('ages_unknown', 0))
    assert unknown >= 1
    for percent in (50, 95, 99):
        assert 0 <= float(values[f'age_ms.p{percent}']) < 60_000


@live
@given(batch=batches(any_image))
def test_after_any_images_good_frames_have_their_results(cameras, batch):
    for name, image in batch:
        cameras.send(name, image)
        cameras.graph.executor.spin_once(timeout_sec=0.002)
    for name in ('left', 'right'):
        cameras.expect_results(name)
    cameras.settled()


@live
@given(batch=batches(lambda random: any_compressed_image(random, JPEGS)))
def test_after_any_jpegs_good_frames_have_their_results(jpeg_cameras, batch):
    cameras = jpeg_cameras
    for name, image in batch:
        cameras.send(name, image)
        cameras.graph.executor.spin_once(timeout_sec=0.002)
    for name in ('left', 'right'):
        cameras.expect_results(name)
    cameras.settled()


def test_the_generator_reaches_every_field_of_a_message():
    from random import Random

    random, kinds = Random(1), (Image, CompressedImage, Detection2DArray, DiagnosticArray)
    for kind in kinds:
        seen = [any_message(kind, random) for _ in range(50)]
        for field in kind.get_fields_and_field_types():
            assert len({str(getattr(one, field)) for one in seen}) > 1, field
