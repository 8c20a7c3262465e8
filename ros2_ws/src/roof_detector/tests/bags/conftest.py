# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
from __future__ import annotations

import itertools
import os
import shutil

import pytest

from roof_detector.bags.message_bytes import message_bytes
from roof_detector.bags.qos import LATCHED, OfferedQos
from roof_detector.bags.writer import BagWriter

DETECTIONS = 'vision_msgs/msg/Detection2DArray'
LABELS = 'vision_msgs/msg/LabelInfo'
START_NS = 1_700_000_000_000_000_000


class BagFlights:
    """Writes small flights whose messages are numbered by their stamp."""

    DETECTIONS, LABELS, START_NS = DETECTIONS, LABELS, START_NS

    @staticmethod
    def detections(number, *, frame_id='camera'):
        header = {'stamp': {'sec': number}, 'frame_id': frame_id}
        found = {'results': [{'hypothesis': {'class_id': 'crack', 'score': 0.5}}]}
        return message_bytes(DETECTIONS, {'header': header, 'detections': [found] * (number % 3)})

    @classmethod
    def fill(cls, writer, numbers):
        writer.add_topic('/detector/labels', LABELS, offered_qos=[LATCHED])
        writer.add_topic('/detector/detections', DETECTIONS, offered_qos=[OfferedQos()])
        labels = {'class_map': [{'class_id': 0, 'class_name': 'crack'}]}
        writer.write('/detector/labels', message_bytes(LABELS, labels), log_time_ns=START_NS)
        cls.append(writer, numbers)

    @classmethod
    def append(cls, writer, numbers):
        for number in numbers:
            writer.write(
                '/detector/detections',
                cls.detections(number),
                log_time_ns=START_NS + number * 100_000_000,
                publish_time_ns=START_NS + number * 100_000_000 - 1_000,
            )

    @classmethod
    def write(cls, path, numbers=range(20), **options):
        with BagWriter(path, **options) as writer:
            cls.fill(writer, numbers)
        return path

    @classmethod
    def cut_off(cls, path, numbers=range(20), **options):
        """Write a flight whose recorder was killed after its last flush."""
        writer = BagWriter(path, **options)
        writer.add_topic('/detector/labels', LABELS, offered_qos=[LATCHED])
        writer.add_topic('/detector/detections', DETECTIONS, offered_qos=[OfferedQos()])
        for number in numbers:
            cls.append(writer, [number])
            if number % 5 == 4:
                writer.flush()
        return path

    @staticmethod
    def numbers(reader):
        messages = reader.messages(['/detector/detections'])
        return [reader.deserialize(message).header.stamp.sec for message in messages]


@pytest.fixture(scope='session')
def flights():
    return BagFlights


@pytest.fixture
def closed_folder(tmp_path):
    folder = tmp_path / 'closed'
    folder.mkdir(mode=0)
    yield folder
    folder.chmod(0o700)


@pytest.fixture
def unprivileged():
    """Do without root's rights, where the tests have them, so that permissions count."""
    uid = os.geteuid()
    if uid == 0:
        os.seteuid(65534)
    yield
    os.seteuid(uid)


@pytest.fixture(scope='session')
def cut_off_flights(tmp_path_factory):
    """Return fresh copies of one cut-off flight for each compression, quickly."""
    originals = {
        compression: BagFlights.cut_off(
            tmp_path_factory.mktemp('original') / 'bag', compression=compression
        )
        for compression in ('none', 'lz4')
    }
    copies = itertools.count()
    folder = tmp_path_factory.mktemp('cut_off')

    def copy(compression):
        return shutil.copytree(originals[compression], folder / str(next(copies)) / 'bag')

    return copy
