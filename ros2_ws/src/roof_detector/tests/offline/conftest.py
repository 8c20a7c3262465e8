# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Small flights, and a network small enough to run over thousands of frames."""

from __future__ import annotations

import numpy as np
import pytest
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Ros2Writer
from rosbags.typesys import Stores, get_typestore
from tiny_model import NAMES, write_model

from roof_detector.bags.finding_messages import header_values
from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.qos import OfferedQos
from roof_detector.bags.typestore import shared_typestore
from roof_detector.bags.writer import BagWriter
from roof_detector.inference.detector import Detector
from roof_detector.offline.batch import detect_all
from roof_detector.offline.settings import DetectSettings, OutputSettings
from roof_detector.vision.thresholds import Thresholds

IMAGE, FIX = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/NavSatFix'
BEGIN_NS, PERIOD_NS = 1_700_000_000_000_000_000, 100_000_000
SIZE_WH = (80, 60)


class RecordedFlights:
    """Writes flights whose images are noise and differ by their number."""

    NAMES, BEGIN_NS, PERIOD_NS, SIZE_WH = NAMES, BEGIN_NS, PERIOD_NS, SIZE_WH

    @staticmethod
    def image(number, *, size_wh=SIZE_WH):
        random = np.random.default_rng(number)
        return random.integers(0, 256, (size_wh[1], size_wh[0], 3), dtype=np.uint8)

    @staticmethod
    def stamp_ns(number):
        return BEGIN_NS + number * PERIOD_NS

    @classmethod
    def image_values(cls, number, *, shift=0):
        image = cls.image(number + shift)
        return {
            'header': header_values(cls.stamp_ns(number), 'lens'),
            'height': image.shape[0],
            'width': image.shape[1],
            'encoding': 'bgr8',
            'step': image.shape[1] * 3,
            'data': image.tobytes(),
        }

    @classmethod
    def messages(cls, numbers, *, image_topics=('/camera/image',)):
        """Yield topic, type, serialised message and log time."""
        for number in numbers:
            log_ns = cls.stamp_ns(number) + 5_000_000
            values = {'header': header_values(cls.stamp_ns(number), 'gps'), 'latitude': 47.0}
            yield '/fix', FIX, message_bytes(FIX, values), log_ns
            for k, topic in enumerate(image_topics):
                data = message_bytes(IMAGE, cls.image_values(number, shift=1000 * k))
                yield topic, IMAGE, data, log_ns + 1 + k

    @classmethod
    def write(cls, path, numbers=range(6), **options):
        image_topics = options.pop('image_topics', ('/camera/image',))
        with BagWriter(path, **options) as writer:
            for name in image_topics:
                writer.add_topic(name, IMAGE, offered_qos=[OfferedQos(reliability='best_effort')])
            writer.add_topic('/fix', FIX, offered_qos=[OfferedQos()])
            for topic, _, data, log_ns in cls.messages(numbers, image_topics=image_topics):
                writer.write(topic, data, log_time_ns=log_ns)
        return path

    @classmethod
    def write_sqlite(cls, path, numbers=range(6)):
        store = shared_typestore()
        with Ros2Writer(path, version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
            known = {}
            for topic, kind, data, log_ns in cls.messages(numbers):
                if topic not in known:
                    known[topic] = writer.add_connection(topic, kind, typestore=store)
                writer.write(known[topic], log_ns, data)
        return path

    @classmethod
    def write_ros1(cls, path, numbers=range(6)):
        store = get_typestore(Stores.ROS1_NOETIC)
        ours = shared_typestore()
        with Ros1Writer(path) as writer:
            known = {}
            for topic, kind, data, log_ns in cls.messages(numbers):
                if topic not in known:
                    known[topic] = writer.add_connection(topic, kind, typestore=store)
                writer.write(known[topic], log_ns, ours.cdr_to_ros1(data, kind))
        return path


@pytest.fixture(scope='session')
def flights():
    return RecordedFlights


@pytest.fixture(scope='session')
def model_path(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp('model') / 'small.onnx')


@pytest.fixture(scope='session')
def other_model_path(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp('model') / 'other.onnx', seed=2)


@pytest.fixture(scope='session')
def detector(model_path):
    with Detector.open(model_path, device='cpu', threads=1) as opened:
        yield opened


@pytest.fixture(scope='session')
def other_detector(other_model_path):
    with Detector.open(other_model_path, device='cpu', threads=1) as opened:
        yield opened


@pytest.fixture(scope='session')
def mask_detector(tmp_path_factory):
    path = write_model(tmp_path_factory.mktemp('model') / 'masks.onnx', prototypes=3)
    with Detector.open(path, device='cpu', threads=1) as opened:
        yield opened


@pytest.fixture
def detect(detector, tmp_path):
    """Return a call that detects in inputs and gives their outcomes."""

    def run(*inputs, confidence=0.5, detector=detector, output='out', **options):
        outcome_options = {
            name: options.pop(name) for name in ('overwrite', 'resume') if name in options
        }
        thresholds = {
            name: options.pop(name)
            for name in ('iou', 'class_confidence', 'max_detections')
            if name in options
        }
        options.setdefault('formats', ())
        tiling = options.pop('tiling', None)
        settings = DetectSettings(
            Thresholds(confidence=confidence, **thresholds), OutputSettings(**options), tiling
        )
        return list(
            detect_all(
                [str(one) for one in inputs],
                tmp_path / output,
                detector=detector,
                settings=settings,
                progress='none',
                **outcome_options,
            )
        )

    return run
