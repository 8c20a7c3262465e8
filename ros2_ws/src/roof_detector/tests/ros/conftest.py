# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time

import pytest
import rclpy
from lifecycle_msgs.srv import GetState
from rclpy.executors import SingleThreadedExecutor

# Domains 1..101 are safe on Linux (ephemeral ports begin above). A test run takes its own stretch
# of them, so that two runs on one machine are unlikely to hear each other.
_domains = itertools.cycle(range(1, 102))
for _ in range(os.getpid() % 101):
    next(_domains)


class Graph:
    """A test's own corner of the ROS graph: one domain, its nodes and its processes."""

    def __init__(self, domain_id):
        self.domain_id = domain_id
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain_id)
        self.executor = SingleThreadedExecutor(context=self.context)
        self._nodes = []
        self._processes = []

    def node(self, name, **options):
        """Create a plain node for the test to listen and speak with."""
        return self.add(rclpy.create_node(name, context=self.context, **options))

    def add(self, node):
        """Take over a node made by the test."""
        self._nodes.append(node)
        self.executor.add_node(node)
        return node

    def start(self, module, *arguments, environment=None):
        """Start a node's module as a process of its own in this domain."""
        process = subprocess.Popen(
            [sys.executable, '-u', '-m', module, *arguments],
            env={
                **os.environ,
                'ROS_DOMAIN_ID': str(self.domain_id),
                'PYTHONFAULTHANDLER': '1',
                **(environment or {}),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._processes.append(process)
        return process

    def wait_until(self, condition, *, within_s=60.0, what='the condition'):
        """Spin until the condition holds; fail, naming it, when it does not in time."""
        deadline = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f'{what} did not come true within {within_s} s')
            self.executor.spin_once(timeout_sec=0.05)

    def call(self, node, service_type, name, request, *, within_s=60.0):
        """Call a service and return its response."""
        client = node.create_client(service_type, name)
        self.wait_until(client.service_is_ready, within_s=within_s, what=f'service {name}')
        future = client.call_async(request)
        if service_type is GetState:
            # A node that is starting may answer before it has heard of this client, to nobody;
            # asking for a state again changes nothing.
            future = self._ask_again(client, request, future, within_s=within_s / 6)
        self.wait_until(future.done, within_s=within_s, what=f'answer of {name}')
        node.destroy_client(client)
        return future.result()

    def _ask_again(self, client, request, future, *, within_s):
        deadline = time.monotonic() + within_s
        while not future.done() and time.monotonic() < deadline:
            self.executor.spin_once(timeout_sec=0.05)
        return future if future.done() else client.call_async(request)

    def stop(self, process, *, within_s=20.0):
        """Interrupt a process as Ctrl-C does and return its exit code and output."""
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            output, _ = process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            raise AssertionError(
                f'the process did not stop within {within_s} s:\n{output}'
            ) from None
        return process.returncode, output

    def close(self):
        """End what the test left running."""
        for process in self._processes:
            if process.poll() is None:
                process.terminate()  # a killed one leaves 140 MB of Fast DDS in /dev/shm for good
        for process in self._processes:
            try:
                process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            except ValueError:  # its output was read to the end before
                process.wait()
            process.stdout.close()
        self.executor.shutdown()
        for node in self._nodes:
            node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def graph():
    graph = Graph(next(_domains))
    yield graph
    graph.close()


@pytest.fixture(scope='module')
def shared_graph():
    """Give all tests of a module one graph, where starting a node for each costs too much."""
    graph = Graph(next(_domains))
    yield graph
    graph.close()


@pytest.fixture(scope='session')
def roof_bgr():
    """Return a frame with several labelled things, of a flight that no model was trained on."""
    from roof_detector.simulation import FlightConfig, RoofWorld, SurveyFlight

    for seed in itertools.count(990_001):  # not every world has them where this flight looks
        flight = SurveyFlight(
            RoofWorld.generate(seed=seed), FlightConfig(size_wh=(640, 360)), seed=1
        )
        frames = (flight[i] for i in range(0, min(len(flight), 150), 6))
        best = max(frames, key=lambda frame: len(frame.class_ids))
        if len(best.class_ids) >= 5:
            return best.image_bgr


@pytest.fixture(scope='session')
def make_probe():
    """Return the class of probes; imported late, so that collecting tests needs no messages."""
    from detector_probe import DetectorProbe

    return DetectorProbe


@pytest.fixture
def flight(graph, tmp_path, monkeypatch):
    """Return a recorder's test stand, where it tells its state often; imported late as well."""
    from recorder_flight import Flight

    monkeypatch.setattr('roof_detector.ros.recorder_node._DIAGNOSTICS_PERIOD_S', 0.1)
    return Flight(graph, tmp_path / 'bags')
