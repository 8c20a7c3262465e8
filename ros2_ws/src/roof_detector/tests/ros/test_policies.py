# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""The permissions of SROS2 cover all that our nodes do in a real graph."""

from __future__ import annotations

import pytest
from tiny_model import write_model

from benchmarks.campaign.free_port import free_port
from roof_detector.security.policies import ENCLAVES, is_allowed, our_policies

MODULES = {
    'camera': ('ros.camera.simulated_flight_node', ('-r', '__node:=camera', '-p', 'loop:=true')),
    'recorder': ('ros.recorder.recorder_node', ()),
    'detector': ('ros.detector.detector_node', ('-r', 'image:=camera/image', '-p', 'threads:=1')),
    'station': ('station.station_node', ()),
}


def used(node, name):
    """Return the DDS topics that a node writes and reads, as the graph shows them."""

    def names(call):
        return [one for one, _ in call(name, '/')]

    served = names(node.get_service_names_and_types_by_node)
    called = names(node.get_client_names_and_types_by_node)
    written = {f'rt{one}' for one in names(node.get_publisher_names_and_types_by_node)}
    read = {f'rt{one}' for one in names(node.get_subscriber_names_and_types_by_node)}
    written |= {f'rr{one}Reply' for one in served} | {f'rq{one}Request' for one in called}
    read |= {f'rq{one}Request' for one in served} | {f'rr{one}Reply' for one in called}
    return written, read


def test_every_topic_and_service_of_every_node_is_allowed_to_its_enclave(
    graph, tmp_path, monkeypatch
):
    monkeypatch.delenv('PYTEST_CURRENT_TEST', raising=False)  # NiceGUI would take it for its own
    write_model(tmp_path / 'tiny.onnx')
    own = {
        'detector': ('-p', f'model:={tmp_path / "tiny.onnx"}'),
        'recorder': ('-p', f'output_directory:={tmp_path}', '-p', 'record:=true'),
        'station': ('-p', f'port:={free_port()}', '-p', f'folder:={tmp_path / "station"}'),
    }
    for name, (module, words) in MODULES.items():
        graph.start(f'roof_detector.{module}', '--ros-args', *words, *own.get(name, ()))
    node = graph.node('ear')
    # Each is there once it does what the others wait for.
    graph.wait_until(
        lambda: (
            set(MODULES) <= set(node.get_node_names())
            and 'rr/detector/get_parametersReply' in used(node, 'recorder')[1]
            and 'rt/detector/detections' in used(node, 'station')[1]
            and 'rt/detector/detections' in used(node, 'recorder')[1]
            and 'rt/camera/image' in used(node, 'detector')[1]
        ),
        within_s=120,
        what='the whole graph',
    )
    policies = {policy.enclave: policy for policy in our_policies()}
    for name in MODULES:
        policy = policies[f'{ENCLAVES}/{name}']
        written, read = used(node, name)
        refused = {one for one in written if not is_allowed(one, policy.published())}
        refused |= {one for one in read if not is_allowed(one, policy.subscribed())}
        assert written and read and not refused, (name, refused)
        # The test can fail: a camera may not do what another node does.
        if name != 'camera':
            camera = policies[f'{ENCLAVES}/camera'].published()
            assert not all(is_allowed(one, camera) for one in written)


@pytest.mark.parametrize('topic', ['rt/cmd_vel', 'rq/detector/set_parametersRequest'])
def test_a_camera_s_key_commands_nobody(topic):
    (camera,) = [one for one in our_policies() if one.enclave.endswith('/camera')]
    assert not is_allowed(topic, camera.published())
