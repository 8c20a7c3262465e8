# SPDX-FileCopyrightText: 2026 roof_detector authors
# SPDX-License-Identifier: AGPL-3.0-only
"""Images of a flight's findings: from what the cameras sent, and from the recorder's bag."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from roof_detector.bags.folder_lock import FolderLock
from roof_detector.bags.typestore import shared_typestore
from roof_detector.bags.writer import BagWriter
from roof_detector.station.errors import StationError
from roof_detector.station.finding import LiveFinding
from roof_detector.station.live_frames import LiveFrames
from roof_detector.station.review.frame_files import FrameFiles
from roof_detector.station.review.sightings import StoredSighting

STAMP_NS, STEP_NS = 1_700_000_000_000_000_000, 100_000_000
BOX = (10.0, 8.0, 30.0, 28.0)
TYPES = shared_typestore().types


def jpeg(value, size_wh=(64, 48)):
    image = np.full((size_wh[1], size_wh[0], 3), value, np.uint8)
    return cv2.imencode('.jpg', image)[1].tobytes()


def found(index, box=BOX):
    return (
        LiveFinding(
            number=1,
            camera='/detector',
            label='drain',
            confidence=0.9,
            box_xyxy=box,
            stamp_ns=STAMP_NS + index * STEP_NS,
        ),
    )


def test_without_images_there_is_none():
    frames = LiveFrames()
    frames.keep([(STAMP_NS, BOX)])
    assert frames.image(STAMP_NS, BOX) is None


def test_of_cameras_that_look_at_the_same_moment_the_one_with_the_box_is_meant():
    frames = LiveFrames()
    frames.add('/detector/left', found(0), jpeg(50))
    frames.add('/detector/right', found(0, (1.0, 2.0, 9.0, 9.0)), jpeg(200))
    assert frames.image(STAMP_NS, BOX).mean() == pytest.approx(50, abs=3)
    assert frames.image(STAMP_NS, (1.2, 2.0, 9.0, 9.0)).mean() == pytest.approx(200, abs=3)
    assert frames.image(STAMP_NS, (1.0, 2.0, 9.0, 12.0)) is None


def test_what_shows_a_finding_best_outlasts_what_is_merely_new():
    frames = LiveFrames(recent_bytes=5 * len(jpeg(0)))
    for index in range(30):
        frames.add('/detector', found(index), jpeg(8 * index))
        frames.keep([(STAMP_NS + 3 * STEP_NS, BOX)])
    kept = [k for k in range(30) if frames.image(STAMP_NS + k * STEP_NS, BOX) is not None]
    assert kept[0] == 3
    assert kept[1:] == list(range(30 - len(kept) + 1, 30))
    assert 1 <= len(kept) - 1 <= 5
    assert frames.image(STAMP_NS + 3 * STEP_NS, BOX).mean() == pytest.approx(24, abs=3)


def test_cameras_listen_for_a_while_after_somebody_looked():
    frames = LiveFrames()
    assert not frames.is_wanted
    frames.want()
    assert frames.is_wanted


def record(folder, topics):
    """Write ten images of each topic, as a recorder does."""
    with BagWriter(folder) as bag:
        for topic in topics:
            bag.add_topic(topic, 'sensor_msgs/msg/CompressedImage')
        for index in range(10):
            seconds, rest = divmod(STAMP_NS + index * STEP_NS, 10**9)
            stamp = TYPES['builtin_interfaces/msg/Time'](sec=seconds, nanosec=rest)
            header = TYPES['std_msgs/msg/Header'](stamp=stamp, frame_id='lens')
            for shade, topic in enumerate(topics):
                data = np.frombuffer(jpeg(20 * index + 5 * shade), np.uint8)
                message = TYPES['sensor_msgs/msg/CompressedImage'](header, 'jpeg', data)
                written = shared_typestore().serialize_cdr(message, message.__msgtype__)
                bag.write(topic, bytes(written), log_time_ns=seconds * 10**9 + rest + 50_000_000)


SIGHTING = StoredSighting(
    fid=-1,
    flight='flight_1',
    source='live',
    topic='/camera/image',
    index=4,
    name='4',
    stamp_ns=STAMP_NS + 4 * STEP_NS,
    class_name='drain',
    confidence=0.9,
    box_xyxy=BOX,
    track=0,
    metres_per_pixel=None,
    size_wh=(64, 48),
)


@pytest.mark.parametrize(
    'topics',
    [
        ('/detector/image_annotated/compressed',),
        ('/camera/image/compressed', '/detector/image_annotated/compressed'),
    ],
    ids=['annotated', 'source'],
)
def test_after_the_flight_its_images_come_from_the_bag_that_was_recorded(tmp_path, topics):
    record(tmp_path / 'bags/flight_1', topics)
    (tmp_path / 'roof').mkdir()
    files = FrameFiles([tmp_path / 'roof', tmp_path / 'bags'])
    assert files.read(SIGHTING).mean() == pytest.approx(80, abs=3)
    with pytest.raises(StationError, match='was not kept'):
        files.read(replace(SIGHTING, stamp_ns=STAMP_NS - 3600 * 10**9))
    files.close()


def test_a_bag_that_is_being_recorded_is_left_alone(tmp_path):
    record(tmp_path / 'flight_1', ('/camera/image/compressed',))
    lock = FolderLock(tmp_path / 'flight_1')
    files = FrameFiles([tmp_path])
    with pytest.raises(StationError, match='once the recording ended'):
        files.read(SIGHTING)
    lock.release()
    assert files.read(SIGHTING).shape == (48, 64, 3)
    files.close()
