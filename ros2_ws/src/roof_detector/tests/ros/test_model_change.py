# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import GetParameters

SHIPPED = 'roof_anomalies'
_MOST_CHANGES, _MOST_LOADS = 12, 5


@pytest.fixture(scope='module')
def running_probe(shared_graph, make_probe):
    return make_probe(shared_graph, arguments=('image_size:=160',), backend='auto')


@pytest.fixture
def probe(running_probe):
    """Return a detector that runs the shipped model for all classes, nothing waiting."""
    assert running_probe.set('class_confidence', []).successful
    change_to(running_probe, SHIPPED)
    running_probe.results.clear()
    return running_probe


def stem(report):
    return Path(report['model']).stem


def change_to(probe, model):
    """Set the model and return the report of its having come."""
    assert probe.set('model', model).successful
    return probe.report_when(
        lambda values: (
            stem(values) == Path(model).stem
            and not values['model_change'].startswith('loading')
            and values['frames_waiting'] == '0'
        )
    )


def parameter(probe, name):
    request = GetParameters.Request(names=[name])
    return (
        probe.graph.call(probe.node, GetParameters, '/detector/get_parameters', request)
        .values[0]
        .string_value
    )


def numbered(number):
    """Return an image and make its number its stamp, so that results can be told apart."""
    image_bgr = np.full((90, 160, 3), 90, np.uint8)
    cv2.circle(image_bgr, (20 + number % 100, 40), 9, (220, 220, 220), -1)
    return image_bgr


def test_frames_go_on_while_a_model_is_loaded_and_none_is_lost_or_counted_twice(probe):
    probe.listen_for_labels()
    for _ in range(_MOST_LOADS):
        if fly_while_a_model_is_loaded(probe) > 2:
            return
        # This process had no part of the time that the load took.
        change_to(probe, SHIPPED)
        probe.graph.wait_until(lambda: len(probe.labels[-1].class_map) > 1, what='its labels')
    pytest.fail('the old model did not detect while the new one was loaded')


def fly_while_a_model_is_loaded(probe):
    """Return how many frames were sent before the labels of the new model came."""
    probe.results.clear()
    before = probe.report_when(lambda values: values['frames_waiting'] == '0')
    assert probe.set('model', 'roofs').successful
    sent = 0
    while len(probe.labels[-1].class_map) > 1:  # roofs has one class
        probe.send(numbered(sent))
        sent += 1
        probe.wait_for_results(sent)
    sent_meanwhile = sent
    for _ in range(3):
        probe.send(numbered(sent))
        sent += 1
        probe.wait_for_results(sent)
    stamps = [(r.header.stamp.sec, r.header.stamp.nanosec) for r in probe.results]
    assert stamps == sorted(set(stamps))
    after = probe.report_when(
        lambda values: values['frames_waiting'] == '0' and stem(values) == 'roofs'
    )
    assert after['model_change'].startswith('swapped to roofs in ')
    assert int(after['frames_processed']) - int(before['frames_processed']) == sent
    assert int(after['frames_seen']) - int(before['frames_seen']) == sent
    assert after['frames_dropped'] == before['frames_dropped']
    return sent_meanwhile


def test_classes_and_labels_follow_the_model(probe):
    assert change_to(probe, 'roofs')['classes'] == 'roof'
    probe.listen_for_labels()
    probe.graph.wait_until(
        lambda: [one.class_name for one in probe.labels[-1].class_map] == ['roof'],
        what='the labels of the new model',
    )
    assert 'crack' in change_to(probe, SHIPPED)['classes']


def test_masks_come_and_go_with_the_task(probe):
    assert not probe.node.count_publishers('/detector/masks')
    assert change_to(probe, 'roof_anomalies-seg')['task'] == 'segment'
    probe.graph.wait_until(lambda: probe.node.count_publishers('/detector/masks'), what='masks')
    probe.send_and_wait(numbered(0))
    change_to(probe, SHIPPED)
    probe.graph.wait_until(
        lambda: not probe.node.count_publishers('/detector/masks'), what='the end of masks'
    )


@pytest.mark.parametrize(
    ('model', 'reason'),
    [('/nowhere/best.pt', 'does not exist'), (__file__, 'is not a model file')],
    ids=['missing', 'of another kind'],
)
def test_what_can_be_no_model_is_refused_at_once(probe, model, reason):
    answer = probe.set('model', model)
    assert not answer.successful
    assert reason in answer.reason
    assert parameter(probe, 'model') == SHIPPED


def test_a_model_that_fails_to_load_leaves_the_old_one_in_use(probe, tmp_path):
    broken = tmp_path / 'broken.pt'
    broken.write_bytes(b'not a checkpoint')
    assert probe.set('model', str(broken)).successful
    report = probe.report_when(lambda values: values['model_change'].startswith('refused'))
    assert 'broken.pt' in report['model_change']
    assert stem(report) == SHIPPED
    probe.graph.wait_until(
        lambda: parameter(probe, 'model') == SHIPPED, what='the parameter going back'
    )
    probe.send_and_wait(numbered(0))


def test_a_model_without_a_class_that_has_a_threshold_is_refused(probe):
    assert probe.set('class_confidence', ['crack:0.4']).successful
    assert probe.set('model', 'roofs').successful
    report = probe.report_when(lambda values: values['model_change'].startswith('refused'))
    assert 'crack' in report['model_change']
    assert stem(report) == SHIPPED


def test_a_second_wish_during_a_load_wins(probe):
    assert probe.set('model', 'roof_anomalies-seg').successful
    report = change_to(probe, 'roofs')
    assert report['model_change'].startswith('swapped to roofs')
    assert parameter(probe, 'model') == 'roofs'


def test_changing_to_and_fro_leaves_no_threads_and_no_memory_behind(probe):
    process = psutil.Process(probe.process.pid)
    footprints = []
    for _ in range(_MOST_CHANGES):
        change_to(probe, 'roofs')
        change_to(probe, SHIPPED)
        footprints.append((process.num_threads(), process.memory_info().rss / 1e6))
        memory_mb = [memory for _, memory in footprints[-4:]]
        # The allocator's pools fill up at first; a change that leaks grows by 15 MB for ever.
        if len(memory_mb) == 4 and memory_mb[-1] - memory_mb[0] < 12:
            break
    else:
        pytest.fail(f'memory grew at every change: {footprints}')
    # A thread left behind by each to and fro would make three.
    assert footprints[-1][0] - footprints[-4][0] < 3, footprints


def test_an_unconfigured_detector_loads_the_model_set_last(graph, make_probe):
    probe = make_probe(graph, arguments=('autostart:=false', 'image_size:=160'), wait=False)
    assert probe.set('model', 'roofs').successful
    request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
    assert graph.call(probe.node, ChangeState, '/detector/change_state', request).success
    assert stem(probe.report_when(lambda values: 'model' in values)) == 'roofs'
