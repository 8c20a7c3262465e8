# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""OK means that what was asked for arrives: real nodes of which nothing comes."""

from __future__ import annotations

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from sensor_msgs.msg import NavSatFix
from std_srvs.srv import SetBool

from roof_detector.inputs.input import InputHealth
from roof_detector.ros.camera.camera_diagnostics import camera_status
from roof_detector.ros.camera.playback import PlaybackReport
from roof_detector.ros.common.node_diagnostics import NodeDiagnostics

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


def test_a_recorder_without_a_clock_is_an_error_and_never_ok(flight):
    flight.recorder(use_sim_time=True, topics=['/camera/fix'])
    levels = set()

    def is_error():
        levels.update({flight.status.level} if flight.status else ())
        return ERROR in levels

    flight.graph.wait_until(is_error, what='an error')
    assert OK not in levels
    assert '/clock' in flight.status.message


def test_a_recorder_names_the_topics_of_which_nothing_comes(flight):
    flight.recorder(topics=['/camera/fix', '/camera/pose', '/camera/silent'])
    fixes = flight.publisher(NavSatFix, '/camera/fix')
    flight.publisher(NavSatFix, '/camera/silent')

    def is_warned():
        fixes.publish(NavSatFix())
        message = flight.status.message if flight.status else ''
        named = [name for name in ('fix', 'pose', 'silent') if f'/camera/{name}' in message]
        return named == ['pose', 'silent']  # before it has come, a fix is missing too

    flight.graph.wait_until(is_warned, what='the names of the missing topics')
    assert flight.status.level == WARN


def test_a_recorder_of_which_all_topics_arrive_is_ok_until_they_stop(flight):
    flight.recorder(topics=['/camera/fix'])
    fixes = flight.publisher(NavSatFix, '/camera/fix')

    def is_ok():
        fixes.publish(NavSatFix())
        return flight.status is not None and flight.status.level == OK

    flight.graph.wait_until(is_ok, what='OK')
    flight.graph.wait_until(lambda: flight.status.level == ERROR, what='an error')
    assert 'Nothing arrives' in flight.status.message


def test_a_detector_is_ok_only_while_results_go_out(graph, make_probe):
    probe = make_probe(graph, arguments=('image_size:=160',))
    image_bgr = np.full((90, 160, 3), 90, np.uint8)
    levels = {}

    def level():
        statuses = [s for array in probe.reports for s in array.status if 'detector' in s.name]
        return statuses[-1].level if statuses else None

    def is_ok():
        probe.send(image_bgr)
        return level() == OK

    graph.wait_until(is_ok, what='OK while results go out')
    graph.call(probe.node, SetBool, '/detector/enable', SetBool.Request(data=False))
    paused = probe.report_when(lambda values: 'paused by ~/enable' in values['message'])
    levels['paused'] = level()
    assert paused['enabled'] == 'false'
    graph.call(probe.node, SetBool, '/detector/enable', SetBool.Request(data=True))
    silent = probe.report_when(lambda values: 'No image on /image' in values['message'])
    levels['silent'] = level()
    assert float(silent['rate_hz']) == 0
    assert levels == {'paused': WARN, 'silent': ERROR}
    graph.wait_until(is_ok, what='OK again')


@pytest.mark.parametrize(
    ('report', 'level', 'words'),
    [
        (
            PlaybackReport(
                state='playing',
                published=50,
                late=0,
                rate_hz=10.0,
                error='',
                silent_s=0.1,
                usual_s=0.1,
            ),
            OK,
            '10.0 frames/s',
        ),
        (
            PlaybackReport(
                state='playing',
                published=50,
                late=0,
                rate_hz=0.0,
                error='',
                silent_s=3.0,
                usual_s=0.1,
            ),
            WARN,
            'No frame was published',
        ),
        (
            PlaybackReport(
                state='playing',
                published=50,
                late=0,
                rate_hz=0.0,
                error='',
                silent_s=6.0,
                usual_s=0.1,
            ),
            ERROR,
            'for 6.0 s',
        ),
        (
            PlaybackReport(
                state='playing',
                published=5,
                late=0,
                rate_hz=0.1,
                error='',
                silent_s=9.0,
                usual_s=10.0,
            ),
            OK,
            'frames/s',
        ),
        (
            PlaybackReport(
                state='playing',
                published=0,
                late=0,
                rate_hz=0.0,
                error='',
                silent_s=0.5,
                usual_s=0.0,
            ),
            WARN,
            'Nothing has arrived yet',
        ),
        (
            PlaybackReport(
                state='waiting',
                published=0,
                late=0,
                rate_hz=0.0,
                error='',
                silent_s=60.0,
                usual_s=0.0,
            ),
            WARN,
            'Waiting for listeners',
        ),
        (
            PlaybackReport(
                state='ended',
                published=50,
                late=0,
                rate_hz=0.0,
                error='',
                silent_s=0.5,
                usual_s=0.1,
            ),
            OK,
            'All 50 frames are published.',
        ),
        (
            PlaybackReport(
                state='ended',
                published=50,
                late=0,
                rate_hz=0.0,
                error='',
                silent_s=60.0,
                usual_s=0.1,
            ),
            ERROR,
            'No more frames have come',
        ),
    ],
)
def test_a_camera_is_ok_only_while_frames_go_out(report, level, words):
    status = camera_status(name='camera: frames', source='0', report=report, listeners=1)
    assert (status.level, words in status.message) == (level, True), status.message


@pytest.mark.parametrize(('now', 'level'), [(True, WARN), (False, OK)])
def test_what_could_not_be_read_is_a_warning_for_a_while(now, level):
    status = camera_status(
        name='camera: frames',
        source='0',
        report=PlaybackReport(
            state='playing',
            published=50,
            late=0,
            rate_hz=10.0,
            error='',
            silent_s=0.1,
            usual_s=0.1,
        ),
        listeners=1,
        health=InputHealth(unreadable=3, warning='Frame 7 is cut off.'),
        unreadable_now=now,
    )
    assert status.level == level
    assert {pair.key: pair.value for pair in status.values}['frames_unreadable'] == '3'


def test_a_state_that_cannot_be_told_is_told_and_ends_nothing(graph):
    heard = []
    listener = graph.node('listener')
    listener.create_subscription(DiagnosticArray, '/diagnostics', heard.append, 10)

    def fail():
        msg = 'no time has passed'
        raise ZeroDivisionError(msg)

    node = graph.node('teller')
    diagnostics = NodeDiagnostics(node, fail, names=['teller: part'], period_s=0.1)
    graph.wait_until(lambda: len(heard) > 3, what='reports')
    (status,) = heard[-1].status
    assert (status.name, status.level) == ('teller: part', ERROR)
    assert 'ZeroDivisionError: no time has passed' in status.message
    diagnostics.close()
