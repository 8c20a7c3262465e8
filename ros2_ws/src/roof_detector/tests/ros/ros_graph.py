# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import rclpy
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import (
    GetParameters,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)
from rclpy.executors import SingleThreadedExecutor, TimeoutException

from roof_detector.ros.common.free_domain import free_domain

ROOT = Path(__file__).resolve().parents[5]
REPEATABLE = (
    GetState,
    GetParameters,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)


class Domains:
    """The domains of this process; those of a run's other workers lie between them."""

    workers = int(os.environ.get('PYTEST_XDIST_WORKER_COUNT', '1'))
    # Workers have one parent: their run's place, apart from where another run begins.
    last = os.getppid() + int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw'))

    @classmethod
    def next(cls):
        """Return a domain and what keeps it: its first node may come seconds later."""
        while True:
            cls.last = free_domain(first=cls.last + cls.workers, step=cls.workers)
            hold = socket.socket(socket.AF_UNIX)
            try:
                hold.bind(f'\0roof_detector.domain.{cls.last}')  # a name of one holder, no file
            except OSError:
                hold.close()
            else:
                return cls.last, hold


class Graph:
    """A test's own corner of the ROS graph: one domain, its nodes and its processes."""

    def __init__(self):
        self.domain_id, self._hold = Domains.next()
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=self.domain_id)
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
        return self.start_program('-m', module, *arguments, environment=environment)

    def start_program(self, *program, environment=None):
        """Start what Python is given to run as a process in this domain."""
        process = subprocess.Popen(
            [sys.executable, '-u', *program],
            env={
                **os.environ,
                'ROS_DOMAIN_ID': str(self.domain_id),
                'PYTHONFAULTHANDLER': '1',
                'PYTHONPATH': f'{ROOT}{os.pathsep}{os.environ.get("PYTHONPATH", "")}',
                **(environment or {}),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pipesize=1 << 20,  # nobody reads until the end; a node whose pipe is full hangs
        )
        self._processes.append(process)
        return process

    def wait_until(self, condition, *, within_s=120.0, what='the condition'):
        """Spin until the condition holds; fail, naming it, when it does not in time."""
        deadline = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline:
                msg = f'{what} did not come true within {within_s} s'
                raise AssertionError(msg)
            self.executor.spin_once(timeout_sec=0.05)

    def hear_out(self, *, quiet_s=0.25):
        """Hear all that has arrived: a process that published it may have ended before."""
        # A wait that began late may end with callbacks and as over at once, and more left.
        heard = True
        while heard:
            heard = False
            with suppress(TimeoutException):
                while True:
                    task, _, _ = self.executor.wait_for_ready_callbacks(timeout_sec=quiet_s)
                    heard = True
                    task()
                    task.result()  # raises what the callback raised

    @staticmethod
    def is_heard(node, publisher):
        """Tell whether a reader has matched the publisher and followed its reliability.

        A reader of images begins as best effort: until it has followed what is offered, a first
        image may be lost. The one before may still be there, and a reader is known before it has
        matched: all that are known must have.
        """
        offered = publisher.qos_profile.reliability
        readers = node.get_subscriptions_info_by_topic(publisher.topic_name)
        followed = any(reader.qos_profile.reliability == offered for reader in readers)
        return followed and publisher.get_subscription_count() >= len(readers)

    def call(self, node, service_type, name, request, *, within_s=120.0):
        """Call a service and return its response."""
        client = node.create_client(service_type, name)
        self.wait_until(client.service_is_ready, within_s=within_s, what=f'service {name}')
        if service_type not in REPEATABLE:
            # What may be asked once is asked by a client that is known: the node hears of clients
            # in their order.
            own = f'{name.rpartition("/")[0]}/get_parameters'
            self.call(node, GetParameters, own, GetParameters.Request(), within_s=within_s)
        future = client.call_async(request)
        if service_type in REPEATABLE:
            # A node that is starting, or busy, may answer before it has heard of this client, to
            # nobody; asking again changes nothing.
            future = self._ask_again(client, request, future, within_s=within_s / 6)
        self.wait_until(future.done, within_s=within_s, what=f'a response of {name}')
        node.destroy_client(client)
        return future.result()

    def _ask_again(self, client, request, future, *, within_s):
        deadline = time.monotonic() + within_s
        while not future.done() and time.monotonic() < deadline:
            self.executor.spin_once(timeout_sec=0.05)
        return future if future.done() else client.call_async(request)

    def stop(self, process, *, within_s=60.0):
        """Interrupt a process as Ctrl-C does and return its exit code and output."""
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            output, _ = process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            msg = f'the process did not stop within {within_s} s:\n{output}'
            raise AssertionError(msg) from None
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
        self._hold.close()
