# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""What a bag says about the parameters and models behind its detections."""

from __future__ import annotations

import pytest
import yaml
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rcl_interfaces.msg import Parameter, ParameterEvent

from roof_detector.bags.records import MANIFEST, PARAMETER_CHANGE, metadata_records


@pytest.fixture
def detector(flight):
    """A node with parameters as a detector has them."""
    node = flight.graph.node('detector')
    node.declare_parameter('confidence', 0.25)
    node.declare_parameter('classes', ['crack', 'rust'])
    return node


def manifest(path):
    content = yaml.safe_load((path / 'metadata.yaml').read_text())
    return content['rosbag2_bagfile_information']['custom_data']


def records(path, wanted):
    return [values for name, values in metadata_records(path) if name == wanted]


def wait_for_manifest(flight, key):
    path = flight.folder / 'bag'
    flight.graph.wait_until(lambda: key in (manifest(path) or {}), what=f'{key} in the manifest')


def test_a_bag_with_no_other_node_names_the_recorder_and_its_parameters(flight):
    flight.recorder(bag_name='bag', flush_period_s=0.1)
    wait_for_manifest(flight, 'parameter./recorder.flush_period_s')
    values = manifest(flight.stopped_bag())
    assert values['written_by'] == 'roof_detector recorder'
    assert values['parameter./recorder.flush_period_s'] == '0.1'
    assert values['parameter./recorder.topics'] == '["/detector/detections", "/detector/labels"]'
    assert not any(key.startswith('model.') for key in values)


def test_parameters_are_in_the_manifest_and_their_changes_in_the_journal(flight, detector):
    flight.recorder(bag_name='bag', flush_period_s=0.1)
    wait_for_manifest(flight, 'parameter./detector.confidence')
    before = detector.get_clock().now().nanoseconds
    flight.set_parameters('detector', confidence=0.4)
    flight.graph.wait_until(
        lambda: manifest(flight.folder / 'bag')['parameter./detector.confidence'] == '0.4',
        what='the new confidence',
    )
    path = flight.stopped_bag()
    (change,) = records(path, PARAMETER_CHANGE)
    assert int(change.pop('time_ns')) >= before
    assert change == {'node': '/detector', 'name': 'confidence', 'old': '0.25', 'new': '0.4'}
    earlier = [v.get('parameter./detector.confidence') for v in records(path, MANIFEST)]
    assert '0.25' in earlier and earlier[-1] == '0.4'
    assert manifest(path)['parameter./detector.classes'] == '["crack", "rust"]'


def test_what_a_starting_node_declared_is_no_change_however_late_it_is_told(flight, detector):
    declared = detector.get_clock().now().to_msg()
    flight.recorder(bag_name='bag', flush_period_s=0.1)
    events = flight.publisher(ParameterEvent, '/parameter_events')
    flight.wait_for_listener(events)
    wait_for_manifest(flight, 'parameter./detector.confidence')
    late = Parameter(name='confidence')  # declared by its type, as our nodes do, and then set
    events.publish(ParameterEvent(stamp=declared, node='/detector', deleted_parameters=[late]))
    flight.set_parameters('detector', confidence=0.4)
    flight.graph.wait_until(
        lambda: manifest(flight.folder / 'bag')['parameter./detector.confidence'] == '0.4',
        what='the new confidence',
    )
    changes = [(c['old'], c['new']) for c in records(flight.stopped_bag(), PARAMETER_CHANGE)]
    assert changes == [('0.25', '0.4')]


def test_a_change_shortly_before_the_trigger_is_in_the_event_s_journal(flight, detector):
    flight.recorder(record=False, black_box=True, pre_roll_s=60.0, bag_name='bag')
    # The first bag shows when the recorder has come to know the detector.
    assert flight.record(True).success
    wait_for_manifest(flight, 'parameter./detector.confidence')
    flight.stopped_bag()
    flight.set_parameters('detector', confidence=0.9)
    flight.set_parameters('recorder', bag_name='event')
    assert flight.record(True).success
    path = flight.stopped_bag()
    changes = [(c['node'], c['name'], c['new']) for c in records(path, PARAMETER_CHANGE)]
    assert ('/detector', 'confidence', '0.9') in changes
    assert manifest(path)['parameter./detector.confidence'] == '0.9'


def test_the_model_and_its_hash_come_from_the_detector_s_diagnostics(flight):
    flight.recorder(bag_name='bag', flush_period_s=0.1)
    diagnostics = flight.publisher(DiagnosticArray, '/diagnostics')
    flight.wait_for_listener(diagnostics)
    facts = {'model': 'roof.pt', 'model_sha256': 'abc', 'classes': 'crack, rust', 'rate_hz': '9'}
    values = [KeyValue(key=key, value=value) for key, value in facts.items()]
    status = DiagnosticStatus(name='drone/detector: detection', values=values)
    diagnostics.publish(DiagnosticArray(status=[status]))
    wait_for_manifest(flight, 'model./drone/detector.sha256')
    said = manifest(flight.stopped_bag())
    assert said['model./drone/detector.path'] == 'roof.pt'
    assert said['model./drone/detector.classes'] == 'crack, rust'
    assert not any(key.endswith('rate_hz') for key in said)
