# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Images arrive in a thread of their own, over DDS."""

from __future__ import annotations

import threading
from time import monotonic, sleep

import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from roof_detector.ros.common.callback_errors import errors_of
from roof_detector.ros.common.messages import image_message
from roof_detector.ros.detector.image_subscription import ImageSubscription

PICTURE = image_message(np.zeros((4, 6, 3), np.uint8), encoding='bgr8', header=Header())


class Listener:
    """A node that no executor turns."""

    def __init__(self, graph, on_image):
        self.graph = graph
        self.node = rclpy.create_node('listener', context=graph.context)
        self.camera = graph.node('camera')
        self.publisher = self.camera.create_publisher(Image, 'image', QoSProfile(depth=5))
        self.images = ImageSubscription(self.node, Image, 'image', on_image=on_image)
        graph.wait_until(self.is_heard, what='a reader that follows its writer')

    def is_heard(self):
        self.images.refresh()
        return self.graph.is_heard(self.camera, self.publisher)

    def close(self):
        self.images.close()
        self.node.destroy_node()


@pytest.fixture
def listen(graph):
    listeners = []

    def start(on_image):
        listeners.append(Listener(graph, on_image))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.close()


def test_images_arrive_while_the_executor_of_the_node_is_held_up(graph, listen):
    heard = []
    listener = listen(lambda message, missed: heard.append((message, missed)))
    for count in (1, 2, 3):
        listener.publisher.publish(PICTURE)
        graph.wait_until(lambda count=count: len(heard) == count, what=f'{count} images')
    assert [missed for _, missed in heard] == [0, 0, 0]
    assert heard[0][0] == PICTURE
    assert listener.images.silence_s < 60


def test_closing_waits_for_the_image_in_work_and_no_other_comes(graph, listen):
    entered, release, calls = threading.Event(), threading.Event(), []

    def on_image(*_):
        entered.set()
        release.wait()
        calls.append(threading.current_thread().name)

    listener = listen(on_image)
    listener.publisher.publish(PICTURE)
    graph.wait_until(entered.is_set, what='the first image')
    listener.publisher.publish(PICTURE)  # waits in the reader

    def release_while_closing():
        while not listener.images._arrivals._closed:
            sleep(0.01)
        sleep(0.2)  # in which it must not have returned
        calls.append('released')
        release.set()

    releasing = threading.Thread(target=release_while_closing)
    releasing.start()
    listener.images.close()
    assert calls == ['released', 'arrival']
    releasing.join()
    graph.wait_until(lambda: not listener.publisher.get_subscription_count(), what='no reader')
    assert calls == ['released', 'arrival']


def test_what_a_callback_raises_costs_that_image_alone_and_is_counted(graph, listen):
    calls = []

    def on_image(*_):
        calls.append('image')
        if len(calls) == 1:
            msg = 'no such camera'
            raise LookupError(msg)

    listener = listen(on_image)
    for count in (1, 2, 3):
        listener.publisher.publish(PICTURE)
        graph.wait_until(lambda count=count: len(calls) >= count, what=f'image {count}')
        listener.images.refresh()
    assert errors_of(listener.node).counts == {'subscription /image.LookupError': 1}


def test_after_the_last_image_of_a_bag_nobody_is_told_to_check_the_topic_s_name(
    graph, listen, capfd
):
    heard = []
    listener = listen(lambda *_: heard.append(1))
    listener.publisher.publish(PICTURE)
    graph.wait_until(lambda: heard, what='the image')
    listener.images._silence_limit_s = 0.2
    listener.camera.destroy_publisher(listener.publisher)

    def is_silent_and_alone():
        listener.images.refresh()
        return listener.images.silence_s > 0.2 and not listener.images.publishers

    graph.wait_until(is_silent_and_alone, what='the end of the publisher')
    listener.images._silent = False
    listener.images.refresh()
    said = capfd.readouterr().err
    assert 'its publisher is gone after 1 images: a bag has ended' in said
    assert 'check the topic name' not in said


class CountingExecutor(SingleThreadedExecutor):
    """Count how often entities are gathered to wait for them."""

    def __init__(self, context):
        super().__init__(context=context)
        self.looks = 0

    def can_execute(self, entity):
        self.looks += 1
        return super().can_execute(entity)


def test_the_executor_of_the_node_sleeps_while_an_image_waits_to_be_taken(graph, listen):
    entered, release = threading.Event(), threading.Event()

    def on_image(*_):
        entered.set()
        release.wait()

    listener = listen(on_image)
    listener.publisher.publish(PICTURE)
    graph.wait_until(entered.is_set, what='the first image')
    listener.publisher.publish(PICTURE)  # waits in the reader
    executor = CountingExecutor(graph.context)
    executor.add_node(listener.node)
    until_s = monotonic() + 1.0
    while monotonic() < until_s:
        executor.spin_once(timeout_sec=0.1)
    release.set()
    executor.shutdown()
    entities = len(list(listener.node.waitables)) + len(list(listener.node.services)) + 3
    assert executor.looks < 50 * entities  # thousands of times where unread images wake it
