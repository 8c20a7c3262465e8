# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""A camera's computer that loses its clock is heard from its first frame on."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from sensor_msgs.msg import Image

from roof_detector.bags.black_box import BlackBox
from roof_detector.ros.detector.image_subscription import ImageSubscription
from roof_detector.ros.recorder.recorded_topic import RecordedTopic

# What stands before the C library's own function shifts the time of one process.
_SHIFTED_CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *now) {
    static int (*own)(clockid_t, struct timespec *);
    if (!own) own = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int failed = own(id, now);
    if (id == CLOCK_REALTIME) now->tv_sec -= 3600;
    return failed;
}
"""
_CAMERA = """
import select, sys, time
import rclpy
from sensor_msgs.msg import Image
rclpy.init()
node = rclpy.create_node('camera')
images = node.create_publisher(Image, 'image', 10)
while images.get_subscription_count() < 2:
    time.sleep(0.02)
number = 0
while not select.select([sys.stdin], [], [], 0.05)[0]:
    images.publish(Image(height=number))
    number += 1
print(f'clock {time.time():.0f}', flush=True)
"""


@pytest.fixture(scope='module')
def shifted_clock(tmp_path_factory):
    folder = tmp_path_factory.mktemp('clock')
    (folder / 'clock.c').write_text(_SHIFTED_CLOCK)
    library = folder / 'clock.so'
    command = ['gcc', '-shared', '-fPIC', '-o', library, folder / 'clock.c', '-ldl']
    subprocess.run(command, check=True)
    return {'LD_PRELOAD': str(library)}


def test_a_camera_that_comes_back_an_hour_earlier_is_heard_at_once(graph, shifted_clock):
    node = graph.node('listener')
    heard = []
    subscription = ImageSubscription(
        node, Image, 'image', on_image=lambda message, missed: heard.append(message.height)
    )
    recorded = RecordedTopic(node, 'image', BlackBox(keep_s=60.0, max_bytes=1 << 20))

    def fly(**environment):
        heard.clear()
        camera = start_camera(graph, environment)
        before = recorded.received

        def is_through():
            subscription.refresh()
            recorded.refresh()
            return min(len(heard), recorded.received - before) >= 4

        graph.wait_until(is_through, what='frames of this camera')
        camera.stdin.close()
        # DDS may tell in between that another process has a port.
        told = next(line for line in camera.stdout if line.startswith('clock '))
        clock_s = float(told.split()[1])
        camera.wait(timeout=60)
        return clock_s

    began_s = fly()
    assert fly(**shifted_clock) < began_s - 3000
    assert subscription.repeated == 0
    assert recorded.repeated == 0
    subscription.close()
    recorded.close()


def start_camera(graph, environment):
    process = subprocess.Popen(
        [sys.executable, '-c', _CAMERA],
        env={**os.environ, 'ROS_DOMAIN_ID': str(graph.domain_id), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    graph._processes.append(process)
    return process
