# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A node outlives what its callbacks raise: a request gets a refusal, the rest goes on."""

from __future__ import annotations

import threading
import time

import pytest
import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import (
    Parameter,
    ParameterEvent,
    ParameterType,
    ParameterValue,
    SetParametersResult,
)
from rcl_interfaces.srv import GetParameters, SetParameters, SetParametersAtomically
from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import String
from std_srvs.srv import SetBool

from roof_detector.ros.common.callback_errors import errors_of
from roof_detector.ros.common.guarded_executor import GuardedExecutor


class FragileNode(LifecycleNode):
    """A node each of whose callbacks fails when it is told to."""

    def __init__(self, context):
        super().__init__('fragile', context=context)
        self.heard = []
        self.ticks = 0
        self.declare_parameter('gain', 1.0)
        self.declare_parameter('name', 'a')
        self.add_post_set_parameters_callback(self._applied)
        self.create_subscription(String, '~/words', self._hear, 10)
        self.create_service(SetBool, '~/enable', self._enable)
        self.create_timer(0.05, self._tick)
        self.guard = self.create_guard_condition(self._event)

    def _applied(self, parameters):
        if any(one.name == 'gain' and one.value == 13.0 for one in parameters):
            msg = '13 cannot be applied'
            raise RuntimeError(msg)

    def _hear(self, message):
        if message.data == 'bad':
            msg = 'a bad word'
            raise ValueError(msg)
        self.heard.append(message.data)

    def _enable(self, request, response):
        if not request.data:
            msg = 'no way'
            raise KeyError(msg)
        response.success = True
        return response

    def _tick(self):
        self.ticks += 1
        if self.ticks % 2:
            msg = 'a tick'
            raise ZeroDivisionError(msg)

    def _event(self):
        msg = 'an event'
        raise MemoryError(msg)


@pytest.fixture(scope='module')
def fragile(shared_graph):
    node = FragileNode(shared_graph.context)
    executor = GuardedExecutor(context=shared_graph.context)
    executor.add_node(node)
    over = threading.Event()

    def spin():
        while not over.is_set():
            executor.spin_once(timeout_sec=0.1)

    thread = threading.Thread(target=spin)
    thread.start()
    yield node
    over.set()
    thread.join()
    executor.shutdown()
    node.destroy_node()


@pytest.fixture(scope='module')
def speaker(shared_graph):
    return shared_graph.node('speaker')


def value(kind, **fields):
    return ParameterValue(type=kind, **fields)


UNKNOWN = Parameter(name='gain', value=value(77))


def test_a_parameter_of_an_unknown_type_is_refused_with_the_reason(shared_graph, speaker, fragile):
    good = Parameter(name='name', value=value(ParameterType.PARAMETER_STRING, string_value='b'))
    request = SetParameters.Request(parameters=[good, UNKNOWN, good])
    answer = shared_graph.call(speaker, SetParameters, '/fragile/set_parameters', request)
    assert [one.successful for one in answer.results] == [True, False, False]
    assert '77' in answer.results[1].reason
    assert fragile.get_parameter('name').value == 'b'


def test_unknown_types_are_refused_together_with_what_came_along(shared_graph, speaker, fragile):
    request = SetParametersAtomically.Request(parameters=[UNKNOWN])
    name = '/fragile/set_parameters_atomically'
    answer = shared_graph.call(speaker, SetParametersAtomically, name, request)
    assert not answer.result.successful
    assert '77' in answer.result.reason


def test_what_fails_to_apply_is_answered(shared_graph, speaker, fragile):
    bad = Parameter(name='gain', value=value(ParameterType.PARAMETER_DOUBLE, double_value=13.0))
    request = SetParameters.Request(parameters=[bad])
    answer = shared_graph.call(speaker, SetParameters, '/fragile/set_parameters', request)
    assert answer.results == [
        SetParametersResult(
            successful=False, reason='Refused (RuntimeError): 13 cannot be applied'
        )
    ]


@pytest.mark.parametrize(
    'transition',
    [
        Transition(id=Transition.TRANSITION_ACTIVATE),
        Transition(id=Transition.TRANSITION_ON_CONFIGURE_SUCCESS),
        Transition(id=251),
        Transition(label='nonsense'),
        Transition(label='activate'),
    ],
    ids=['activate', 'inner', 'unknown', 'unknown label', 'label'],
)
def test_a_transition_that_the_state_does_not_have_is_refused(
    shared_graph, speaker, fragile, transition
):
    request = ChangeState.Request(transition=transition)
    answer = shared_graph.call(speaker, ChangeState, '/fragile/change_state', request)
    assert not answer.success


def test_a_service_that_fails_says_so(shared_graph, speaker, fragile):
    answer = shared_graph.call(speaker, SetBool, '/fragile/enable', SetBool.Request(data=False))
    assert not answer.success
    assert 'no way' in answer.message
    answer = shared_graph.call(speaker, SetBool, '/fragile/enable', SetBool.Request(data=True))
    assert answer.success


def test_each_callback_goes_on_after_it_failed_and_is_counted(shared_graph, speaker, fragile):
    words = speaker.create_publisher(String, '/fragile/words', 10)
    shared_graph.wait_until(words.get_subscription_count, what='a listener')
    fragile.guard.trigger()
    for word in ('bad', 'bad', 'good'):
        words.publish(String(data=word))
    shared_graph.wait_until(lambda: 'good' in fragile.heard, what='the good word')
    ticks = fragile.ticks
    shared_graph.wait_until(lambda: fragile.ticks > ticks + 2, what='the timer')
    shared_graph.wait_until(
        lambda: any('MemoryError' in cause for cause in errors_of(fragile).counts),
        what='the event',
    )
    counts = errors_of(fragile).counts
    assert counts['subscription /fragile/words.ValueError'] == 2
    assert counts['timer FragileNode._tick.ZeroDivisionError'] >= 1
    shown = {pair.key: pair.value for pair in errors_of(fragile).values()}
    assert int(shown['callback_errors']) >= sum(counts.values()) >= 4


def test_bytes_that_are_no_message_cost_nobody_anything(shared_graph, speaker, fragile):
    words = speaker.create_publisher(String, '/fragile/words', 50)
    events = speaker.create_publisher(ParameterEvent, '/parameter_events', 50)
    shared_graph.wait_until(words.get_subscription_count, what='a listener')
    for data in (b'', b'\0', b'\0\1\0\0', b'\0\1\0\0\xff\xff\xff\xff', b'\xff' * 40):
        words.publish(data)
        events.publish(data)
    words.publish(String(data='after'))
    shared_graph.wait_until(lambda: 'after' in fragile.heard, what='the word after')
    request = GetParameters.Request(names=['gain', 'none'])
    shared_graph.call(speaker, GetParameters, '/fragile/get_parameters', request)


def test_a_message_that_cannot_be_taken_leaves_its_subscription_listening(graph):
    node = graph.node('listener')
    heard = []
    subscription = node.create_subscription(String, 'words', heard.append, 10)
    graph.executor.remove_node(node)
    executor = GuardedExecutor(context=graph.context)
    executor.add_node(node)
    taking = executor._take_subscription

    def fail_once(entity):
        executor._take_subscription = taking
        msg = 'no room for a message'
        raise MemoryError(msg)

    executor._take_subscription = fail_once
    words = node.create_publisher(String, 'words', 10)
    while not words.get_subscription_count():
        executor.spin_once(timeout_sec=0.1)
    for _ in range(3):
        words.publish(String(data='word'))
    until_s = time.monotonic() + 60
    while len(heard) < 3 and time.monotonic() < until_s:
        executor.spin_once(timeout_sec=0.05)
    assert len(heard) == 3
    assert not subscription._executor_event
    assert errors_of(node).counts == {f'subscription {subscription.topic_name}.MemoryError': 1}
    executor.shutdown()


@pytest.mark.parametrize('end', [SystemExit(3), KeyboardInterrupt()])
def test_what_is_meant_to_end_the_process_still_does(graph, end):
    node = rclpy.create_node('ending', context=graph.context)

    def finish():
        raise end

    node.create_timer(0.01, finish)
    executor = GuardedExecutor(context=graph.context)
    executor.add_node(node)
    with pytest.raises(type(end)):
        for _ in range(100):
            executor.spin_once(timeout_sec=0.1)
    executor.shutdown()
    node.destroy_node()


def test_causes_are_bounded_whatever_strangers_name(graph):
    errors = errors_of(graph.node('bounded'))
    for k in range(500):
        errors.note(f'service {k}', ValueError('x'))
    assert errors.total == 500
    assert len(errors.counts) <= 51
