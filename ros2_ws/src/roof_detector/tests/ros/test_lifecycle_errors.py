# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""After an error in any transition a detector is named unconfigured and can be configured."""

from __future__ import annotations

import pytest
from rclpy.parameter import Parameter
from tiny_model import write_model

from roof_detector.ros.common.callback_errors import errors_of
from roof_detector.ros.detector.detector_node import DetectorNode

# What each transition calls, and the state that it leads to.
STEPS = {
    'configure': ('on_model_changed', 'inactive'),
    'activate': ('_listen', 'active'),
    'deactivate': ('_stop_listening', 'inactive'),
    'cleanup': ('_release', 'unconfigured'),
    'shutdown': ('_release', 'finalized'),
}


class FailingDetector(DetectorNode):
    """A detector in which one step raises once."""

    fails = ''

    def on_model_changed(self, detector):
        self._fail('on_model_changed')
        super().on_model_changed(detector)

    def _listen(self):
        self._fail('_listen')
        super()._listen()

    def _stop_listening(self):
        super()._stop_listening()
        self._fail('_stop_listening')

    def _release(self):
        super()._release()
        self._fail('_release')

    def _fail(self, step):
        if self.fails == step:
            self.fails = ''
            msg = 'a cable is loose'
            raise OSError(msg)


@pytest.fixture(scope='module')
def detector(shared_graph, tmp_path_factory):
    model = write_model(tmp_path_factory.mktemp('tiny') / 'tiny.onnx')
    values = {'model': str(model), 'backend': 'onnxruntime', 'threads': 1, 'autostart': False}
    node = FailingDetector(
        context=shared_graph.context,
        parameter_overrides=[Parameter(name, value=value) for name, value in values.items()],
    )
    return shared_graph.add(node)


def state(node):
    return node._state_machine.current_state[1]


def run(node, *transitions):
    for transition in transitions:
        getattr(node, f'trigger_{transition}')()


@pytest.mark.parametrize('transition', STEPS)
def test_after_an_error_configure_and_activate_work_again(detector, transition):
    ways = {'activate': ['configure'], 'deactivate': ['configure', 'activate']}
    before = ways.get(transition, [] if transition == 'configure' else ['configure'])
    run(detector, *before)
    errors = errors_of(detector).total
    detector.fails = STEPS[transition][0]
    run(detector, transition)
    assert detector.fails == '', 'the step was never called'
    assert state(detector) == 'unconfigured'
    assert errors_of(detector).total == errors + 1
    assert 'a cable is loose' in errors_of(detector).newest
    assert detector.count_publishers('/detector/detections') == 0
    run(detector, 'configure', 'activate')
    assert state(detector) == 'active'
    assert detector.count_publishers('/detector/detections') == 1
    run(detector, 'deactivate', 'cleanup')
    assert state(detector) == 'unconfigured'


def test_an_error_while_everything_is_freed_does_not_end_the_node(detector):
    run(detector, 'configure')
    detector.fails = 'on_model_changed'
    run(detector, 'cleanup')
    detector.fails = 'on_model_changed'
    run(detector, 'configure')
    assert state(detector) == 'unconfigured'
    detector.fails = '_release'
    detector.on_error(_State())
    assert detector.fails == ''
    run(detector, 'configure', 'activate', 'deactivate', 'cleanup')
    assert state(detector) == 'unconfigured'


class _State:
    label = 'inactive'
